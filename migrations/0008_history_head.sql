-- How many entries the history has and the hash of the newest: what `history --verify` holds it against. It moves on
-- only with an entry that follows what it says, so that no later entry hides that some were removed or written anew.
CREATE TABLE history_head (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  entries INTEGER NOT NULL,
  head    TEXT NOT NULL
) STRICT;
INSERT INTO history_head (id, entries, head)
  SELECT 1, count(*),
         coalesce((SELECT hash FROM history ORDER BY seq DESC LIMIT 1), printf('%064d', 0))
    FROM history;
CREATE TRIGGER history_is_counted AFTER INSERT ON history BEGIN
  UPDATE history_head SET entries = NEW.seq, head = NEW.hash
   WHERE entries = NEW.seq - 1 AND head = NEW.previous;
END;
