select * from golden.`new line`
