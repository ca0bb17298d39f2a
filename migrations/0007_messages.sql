-- What people are told. A message is written in the transaction of what it tells about, and waits here until it is
-- sent, until a later word about the same thing takes its place, or until a day is over. In order for each hook.
CREATE TABLE messages (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  key          TEXT NOT NULL UNIQUE,        -- idempotency key
  hook         TEXT NOT NULL,               -- whom: the same wherever its entry stands in the config
  label        TEXT NOT NULL,               -- its name when this was written
  operation_id TEXT NOT NULL,               -- what it tells about: an operation, or a freeze or FAIL
  position     INTEGER NOT NULL,            -- of the operation's step, or of the hook in the config
  event        TEXT NOT NULL,               -- JSON
  begins       TEXT,                        -- the trouble that stands from here on
  ends         TEXT NOT NULL,               -- JSON: the troubles that are over
  at           INTEGER NOT NULL,
  attempts     INTEGER NOT NULL DEFAULT 0,
  tried_at     INTEGER,
  not_before   INTEGER,                     -- the receiver has asked to be left alone until then
  error        TEXT,
  sender       TEXT,                        -- JSON: the process that is sending it
  sender_until INTEGER,                     -- when it has ended for certain, by the clock of the file system
  outcome      TEXT CHECK (outcome IN ('sent', 'superseded', 'given up')),
  ended_at     INTEGER
) STRICT;
CREATE INDEX messages_waiting ON messages (hook, seq) WHERE outcome IS NULL;
CREATE INDEX messages_about ON messages (operation_id, hook, seq);
