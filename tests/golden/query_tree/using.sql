select id, name, amount from golden.customers full join golden.orders using (id)
