select * except (name) replace (id + 1 as id), columns('^na') apply(upper) from golden.customers
