select id, v from golden.versions final sample 1 / 2 offset 1 / 2
