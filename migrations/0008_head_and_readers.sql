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

-- The oldest schema whose cutover still understands this database, for commands that only look. A migration that
-- does more than add (it renames, removes, or gives something a new meaning) sets this to its own number.
CREATE TABLE schema_readable (
  id            INTEGER PRIMARY KEY CHECK (id = 1),
  readable_from INTEGER NOT NULL
) STRICT;
INSERT INTO schema_readable (id, readable_from) VALUES (1, 1);
