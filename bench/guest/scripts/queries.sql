CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price INTEGER);
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 60000)
INSERT INTO item SELECT n, 'item ' || (n * 7919 % 10007), n * 31 % 1000 FROM number;
CREATE INDEX by_name ON item (name);
SELECT count(*), sum(price) FROM item WHERE name LIKE 'item 1%';
SELECT name, count(*), sum(price) FROM item GROUP BY name ORDER BY 3 DESC, 1 LIMIT 5;
SELECT sum(a.price * b.price) FROM item a JOIN item b ON a.name = b.name AND a.id < b.id;
UPDATE item SET price = price + 1 WHERE id % 3 = 0;
DELETE FROM item WHERE price > 900;
SELECT count(*), sum(price) FROM item;
