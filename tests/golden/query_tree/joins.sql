select o.id, c.name as customer, upper(c.country) as country, c.name || ' ' || p.name as pair
from golden.orders o left join golden.customers c on c.id = o.customer join golden.customers p on p.id = o.id
