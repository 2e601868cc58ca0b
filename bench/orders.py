"""The measured table and what happens to it: rows to copy, changes to drain. Real servers to do it in."""
from harness import Postgres, mirror

_SCHEMA = """
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id int NOT NULL,
    amount numeric(10,2) NOT NULL,
    status text NOT NULL,
    note text NOT NULL,
    created_at timestamptz NOT NULL);

CREATE FUNCTION order_rows(low bigint, high bigint) RETURNS SETOF orders LANGUAGE sql AS $$
    SELECT i, (i * 7919 % 100000)::int, (i * 31 % 1000000)::numeric / 100,
        (ARRAY['new', 'paid', 'packed', 'shipped', 'done'])[i % 5 + 1],
        'note of forty characters for ' || lpad(i::text, 11, '0'),
        timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second'
    FROM generate_series(low, high) i
$$;

-- Transactions of 100 changes: 70 rows inserted behind `top`, 20 of those before updated, the 10 lowest
-- deleted. `bottom` is the lowest id that is still there.
CREATE PROCEDURE change_orders(bottom bigint, top bigint, transactions int) LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 0 .. transactions - 1 LOOP
        INSERT INTO orders SELECT * FROM order_rows(top + n * 70 + 1, top + n * 70 + 70);
        UPDATE orders SET status = 'changed', amount = amount + 1,
                note = 'changed in transaction ' || lpad(n::text, 17, '0')
            WHERE id IN (SELECT bottom + transactions * 10 + (n * 20 + k) * 37::bigint
                % (top - bottom - transactions * 10) FROM generate_series(0, 19) k);
        DELETE FROM orders WHERE id BETWEEN bottom + n * 10 AND bottom + n * 10 + 9;
        COMMIT;
    END LOOP;
END
$$;
"""


class Orders:
    """A PostgreSQL with `rows` orders; durable, as one in production is."""

    def __init__(self, rows):
        self.pg = Postgres(
            fsync="on", full_page_writes="on", shared_buffers="512MB", max_wal_size="8GB",
            track_commit_timestamp="on",
        )
        self.bottom, self.top = 1, 0
        self.pg.sql(_SCHEMA)
        self.add(rows)

    def add(self, rows):
        """More rows, in one transaction."""
        self.pg.sql("INSERT INTO orders SELECT * FROM order_rows(%s, %s)", (self.top + 1, self.top + rows))
        self.top += rows
        self.settle()

    def change(self, changes):
        """70 in 100 inserts, 20 updates, 10 deletes, in transactions of 100."""
        transactions = changes // 100
        self.pg.sql("CALL change_orders(%s, %s, %s)", (self.bottom, self.top, transactions))
        self.bottom += transactions * 10
        self.top += transactions * 70

    def settle(self):
        """Nothing is left that the server would do in the background of a measurement."""
        self.pg.sql("VACUUM (ANALYZE) orders")
        self.pg.sql("CHECKPOINT")

    def config(self, stream, source=None, warehouse=None, **options):
        """tailrace's configuration with one stream of that name; `source` adds keys of the connection."""
        config = mirror(self.pg, tables=["public.orders"], warehouse=warehouse, stream=options)
        config["connections"]["shop"].update(source or {})
        config["streams"] = {stream: config["streams"]["shop"]}
        return config
