"""Tables and changes of every kind, a transaction after another, until stopped; what a crash test wants to find again."""
import random
import threading

TABLES = """
CREATE TABLE plain (id bigint PRIMARY KEY, n int, t text);
CREATE TABLE wide (a int, b text COLLATE "C", big text, n numeric(12,2), PRIMARY KEY (a, b));
ALTER TABLE wide ALTER big SET STORAGE EXTERNAL;
CREATE TABLE logged (id bigint PRIMARY KEY, v text);
INSERT INTO plain SELECT i, i % 97, 'row ' || i FROM generate_series(1, {rows}) i;
INSERT INTO wide SELECT i, 'k' || i % 7, repeat(md5(i::text), 90), i / 3.0 FROM generate_series(1, 3000) i;
INSERT INTO logged SELECT i, 'first' FROM generate_series(1, 2000) i;
"""


def make_tables(pg, rows=60000):
    """plain gets so many rows."""
    pg.sql(TABLES.format(rows=rows))


class Workload:
    next_id = 1000000  # of all of them together

    def __init__(self, pg, seed, rows=60000, pause=0.01):
        """rows: of make_tables; pause: at most so many seconds between two transactions."""
        self.pg, self.rows, self.pause, self.random = pg, rows, pause, random.Random(seed)
        self.over = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def id(self):
        return Workload.next_id

    def _statements(self):
        r = self.random
        Workload.next_id += 50
        i = r.randrange(1, self.rows)
        return r.sample(
            [
                f"INSERT INTO plain SELECT g, 1, 'new' FROM generate_series({self.id}, {self.id + 40}) g",
                f"UPDATE plain SET n = n + 1 WHERE id BETWEEN {i} AND {i + 30}",
                f"DELETE FROM plain WHERE id BETWEEN {i} AND {i + 3}",
                f"UPDATE plain SET id = -id WHERE id = {i + 50}",
                f"UPDATE wide SET n = n + 1 WHERE a BETWEEN {i % 3000} AND {i % 3000 + 10}",
                f"UPDATE wide SET b = b || 'x' WHERE a = {i % 3000}",
                f"UPDATE wide SET big = repeat('{i}', 2000) WHERE a = {(i * 7) % 3000}",
                f"INSERT INTO logged VALUES ({self.id}, 'x')",
                f"UPDATE logged SET v = v || '+' WHERE id = {i % 2000}",
                f"DELETE FROM logged WHERE id = {self.id - 50}",
            ],
            r.randrange(1, 8),
        )

    def _run(self):
        try:
            connection = self.pg.connect()
            with connection.cursor() as cursor:
                while not self.over.is_set():
                    end = "ROLLBACK" if self.random.random() < 0.1 else "COMMIT"
                    cursor.execute(f"BEGIN; {'; '.join(self._statements())}; {end}")
                    self.over.wait(self.random.random() * self.pause)
            connection.close()
        except Exception as error:  # shown by the test
            self.error = error

    def stop(self):
        self.over.set()
        self.thread.join()
        if self.error:
            raise self.error
