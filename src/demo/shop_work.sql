-- What goes on in the shop, as functions of the session: each does one thing that customers or staff do,
-- in one transaction, and returns how many rows it changed. work() picks one by chance; setseed() makes the
-- chance repeatable.

CREATE FUNCTION pg_temp.some(last bigint) RETURNS bigint LANGUAGE sql AS
	$$ SELECT 1 + floor(random() * last)::bigint $$;

CREATE FUNCTION pg_temp.place_order() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	who bigint := (SELECT id FROM customers WHERE id >= (SELECT pg_temp.some(max(id)) FROM customers) ORDER BY id LIMIT 1);
	lines integer := 1 + floor(random() * 4);
	last_product bigint := (SELECT max(id) FROM products);
	new_order bigint;
	bought integer;
BEGIN
	INSERT INTO orders (customer_id, address_id, channel, discount, placed_at, promised)
	SELECT who, (SELECT min(id) FROM addresses WHERE id >= who), (ARRAY['web', 'app', 'phone'])[pg_temp.some(3)],
		CASE WHEN random() < 0.1 THEN 5 END, clock_timestamp(), current_date + 4
	RETURNING id INTO new_order;
	INSERT INTO order_items
	SELECT new_order, line, p.id, pg_temp.some(3), p.price
	FROM (SELECT line, pg_temp.some(last_product) AS wanted FROM generate_series(1, lines) AS line) AS l
	JOIN products AS p ON p.id = l.wanted;
	GET DIAGNOSTICS bought = ROW_COUNT;
	UPDATE products SET stock = stock - i.quantity, status = CASE WHEN stock > i.quantity THEN status ELSE 'sold_out' END
	FROM order_items AS i WHERE i.order_id = new_order AND i.product_id = products.id;
	UPDATE orders SET total = greatest(coalesce((SELECT sum(quantity * unit_price) FROM order_items WHERE order_id = new_order), 0)
		- coalesce(discount, 0), 0) WHERE id = new_order;
	INSERT INTO payments
	SELECT gen_random_uuid(), id, (ARRAY['card', 'wallet', 'invoice'])[pg_temp.some(3)]::payment_method, 'pending', total
	FROM orders WHERE id = new_order;
	RETURN 3 + 2 * bought;
END $$;

CREATE FUNCTION pg_temp.next_order(wanted order_status) RETURNS bigint LANGUAGE sql AS
	$$ SELECT id FROM orders WHERE status = wanted ORDER BY placed_at LIMIT 1 $$;

CREATE FUNCTION pg_temp.pay() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	due bigint := pg_temp.next_order('placed');
	refused boolean := random() < 0.03;
BEGIN
	UPDATE payments SET status = CASE WHEN refused THEN 'failed' ELSE 'paid' END::payment_status,
		paid_at = CASE WHEN NOT refused THEN clock_timestamp() END, details = '{"fee": 0.35}' WHERE order_id = due;
	UPDATE orders SET status = CASE WHEN refused THEN 'cancelled' ELSE 'paid' END::order_status WHERE id = due;
	RETURN CASE WHEN due IS NULL THEN 0 ELSE 2 END;
END $$;

CREATE FUNCTION pg_temp.ship() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	due bigint := pg_temp.next_order('paid');
BEGIN
	IF due IS NULL THEN
		RETURN 0;
	END IF;
	UPDATE orders SET status = 'shipped' WHERE id = due;
	INSERT INTO logistics.shipments (order_id, carrier, tracking, stops, shipped_at)
	VALUES (due, (ARRAY['Heron', 'Stork', 'Swift'])[pg_temp.some(3)], upper(md5(due::text)), '{Depot 7}', clock_timestamp());
	RETURN 2;
END $$;

CREATE FUNCTION pg_temp.deliver() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	due bigint := pg_temp.next_order('shipped');
BEGIN
	UPDATE logistics.shipments SET delivered_at = clock_timestamp(), transit = clock_timestamp() - shipped_at,
		stops = stops || 'Hub North'::text WHERE order_id = due;
	UPDATE orders SET status = 'delivered' WHERE id = due;
	RETURN CASE WHEN due IS NULL THEN 0 ELSE 2 END;
END $$;

CREATE FUNCTION pg_temp.send_back() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	due bigint := (SELECT id FROM orders WHERE status = 'delivered' AND id >= (SELECT pg_temp.some(max(id)) FROM orders)
		ORDER BY id LIMIT 1);
	changed integer;
BEGIN
	INSERT INTO returns (order_id, line, reason, refund, requested_at)
	SELECT order_id, line, (ARRAY['damaged', 'does not fit'])[pg_temp.some(2)]::return_reason, unit_price * quantity, clock_timestamp()
	FROM order_items WHERE order_id = due ORDER BY line LIMIT 1;
	GET DIAGNOSTICS changed = ROW_COUNT;
	IF changed > 0 THEN
		UPDATE orders SET status = 'returned' WHERE id = due;
		UPDATE payments SET status = 'refunded' WHERE order_id = due;
	END IF;
	RETURN 3 * changed;
END $$;

CREATE FUNCTION pg_temp.review() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO reviews (product_id, customer_id, stars, title, body, created_at)
	SELECT i.product_id, o.customer_id, pg_temp.some(5), 'As expected', repeat('It does what it should. ', pg_temp.some(9)::integer),
		clock_timestamp()
	FROM orders AS o JOIN order_items AS i ON i.order_id = o.id
	WHERE o.id >= (SELECT pg_temp.some(max(id)) FROM orders) ORDER BY o.id LIMIT 1;
	RETURN 1;
END $$;

-- Old rows of all ages are put right: the changes that make a mirror out of date when it only appends.
CREATE FUNCTION pg_temp.correct() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	which integer := pg_temp.some(4);
	changed integer;
BEGIN
	IF which = 1 THEN
		UPDATE orders SET note = 'corrected', total = total + 0.01
		WHERE id = (SELECT pg_temp.some(max(id)) FROM orders);
	ELSIF which = 2 THEN
		UPDATE products SET price = round(price * (0.9 + random()::numeric * 0.2), 2) + 0.01, updated_at = clock_timestamp()
		WHERE id = (SELECT pg_temp.some(max(id)) FROM products);
	ELSIF which = 3 THEN
		UPDATE customers SET tier = 'gold', last_ip = ('10.0.0.' || pg_temp.some(250))::inet, newsletter = NOT newsletter
		WHERE id = (SELECT pg_temp.some(max(id)) FROM customers);
	ELSE
		UPDATE addresses SET city = 'Ghent', zip = '9000', place = NULL
		WHERE id = (SELECT pg_temp.some(max(id)) FROM addresses);
	END IF;
	GET DIAGNOSTICS changed = ROW_COUNT;
	RETURN changed;
END $$;

CREATE FUNCTION pg_temp.remove() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	gone bigint := (SELECT id FROM orders WHERE status = 'cancelled' AND id >= (SELECT pg_temp.some(max(id)) FROM orders)
		ORDER BY id LIMIT 1);
	lines integer := (SELECT count(*) FROM order_items WHERE order_id = gone);
BEGIN
	IF random() < 0.5 OR gone IS NULL THEN
		DELETE FROM reviews WHERE id = (SELECT id FROM reviews WHERE id >= (SELECT pg_temp.some(max(id)) FROM reviews)
			ORDER BY id LIMIT 1);
		RETURN 1;
	END IF;
	DELETE FROM orders WHERE id = gone; -- its lines and payment go with it
	RETURN 2 + lines;
END $$;

CREATE FUNCTION pg_temp.register() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	new_customer bigint;
BEGIN
	INSERT INTO customers (email, name, newsletter, created_at)
	VALUES ('new' || floor(random() * 1e9) || '@example.com', 'Noor Baker', random() < 0.5, clock_timestamp())
	RETURNING id INTO new_customer;
	INSERT INTO addresses (customer_id, street, zip, city, country, valid_from)
	VALUES (new_customer, 'Quay 1', '1011', 'Amsterdam', 'NL', current_date);
	RETURN 2;
END $$;

CREATE FUNCTION pg_temp.work() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	dice float8 := random();
BEGIN
	RETURN CASE WHEN dice < 0.22 THEN pg_temp.place_order() WHEN dice < 0.44 THEN pg_temp.pay()
		WHEN dice < 0.66 THEN pg_temp.ship() WHEN dice < 0.87 THEN pg_temp.deliver()
		WHEN dice < 0.89 THEN pg_temp.send_back() WHEN dice < 0.91 THEN pg_temp.review()
		WHEN dice < 0.95 THEN pg_temp.correct() WHEN dice < 0.98 THEN pg_temp.remove()
		ELSE pg_temp.register() END;
END $$;
