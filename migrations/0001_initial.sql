-- Times are Unix milliseconds. Documents (world, DNS values, metrics, evidence) are JSON text.

-- One row for each ratio the migration has stood at; evidence of a canary belongs to one stage.
CREATE TABLE stages (
  id           INTEGER PRIMARY KEY,
  ratio        REAL NOT NULL CHECK (ratio BETWEEN 0 AND 1),
  since        INTEGER NOT NULL,
  operation_id TEXT NOT NULL
) STRICT;

-- What the world was before a change. `previous` is the checkpoint that was the way back at that moment, so
-- a second rollback goes one change further back and never forward again.
CREATE TABLE checkpoints (
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  at              INTEGER NOT NULL,
  reason          TEXT NOT NULL,
  status          TEXT NOT NULL CHECK (status IN ('idle', 'canary', 'rolling', 'complete', 'rollback')),
  ratio           REAL NOT NULL CHECK (ratio BETWEEN 0 AND 1),
  active_provider TEXT NOT NULL CHECK (active_provider IN ('legacy', 'target')),
  dns             TEXT NOT NULL DEFAULT '[]',
  metrics         TEXT NOT NULL DEFAULT '{}',
  pinned          INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
  operation_id    TEXT,
  previous        INTEGER REFERENCES checkpoints (id) ON DELETE SET NULL
) STRICT;

-- Where the migration is. One database holds one migration.
CREATE TABLE state (
  id                  INTEGER PRIMARY KEY CHECK (id = 1),
  migration           TEXT NOT NULL,
  status              TEXT NOT NULL CHECK (status IN ('idle', 'canary', 'rolling', 'complete', 'rollback')),
  ratio               REAL NOT NULL CHECK (ratio BETWEEN 0 AND 1),
  active_provider     TEXT NOT NULL CHECK (active_provider IN ('legacy', 'target')),
  stage_id            INTEGER REFERENCES stages (id),
  previous_checkpoint INTEGER REFERENCES checkpoints (id) ON DELETE SET NULL,
  changed_at          INTEGER NOT NULL
) STRICT;

-- The journal: an operation is written before its first effect, each step before and after its own.
CREATE TABLE operations (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  id            TEXT NOT NULL UNIQUE,
  kind          TEXT NOT NULL CHECK (kind IN ('canary start', 'shift', 'rollback', 'emergency')),
  token         INTEGER NOT NULL,
  actor         TEXT NOT NULL,
  reason        TEXT NOT NULL,
  forced        INTEGER NOT NULL CHECK (forced IN (0, 1)),
  plan          TEXT NOT NULL,
  checkpoint_id INTEGER REFERENCES checkpoints (id) ON DELETE SET NULL,
  started_at    INTEGER NOT NULL,
  finished_at   INTEGER,
  -- NULL while it runs, and for ever when its process died
  outcome       TEXT CHECK (outcome IN ('done', 'partial', 'failed', 'undone', 'superseded')),
  -- 1 once the state says what this operation wanted
  applied       INTEGER NOT NULL DEFAULT 0 CHECK (applied IN (0, 1)),
  -- 1 while `resume` has something to do
  open          INTEGER NOT NULL DEFAULT 1 CHECK (open IN (0, 1))
) STRICT;
CREATE INDEX operations_open ON operations (seq) WHERE open = 1;

CREATE TABLE steps (
  operation_id TEXT NOT NULL REFERENCES operations (id),
  position     INTEGER NOT NULL,
  kind         TEXT NOT NULL CHECK (kind IN ('flag', 'dns', 'notify')),
  driver       TEXT NOT NULL,
  label        TEXT NOT NULL,
  outcome      TEXT NOT NULL DEFAULT 'pending' CHECK (outcome IN ('pending', 'running', 'done', 'failed', 'skipped')),
  attempts     INTEGER NOT NULL DEFAULT 0,
  started_at   INTEGER,
  ms           INTEGER,
  before       TEXT,
  after        TEXT,
  error        TEXT,
  PRIMARY KEY (operation_id, position)
) STRICT, WITHOUT ROWID;

-- The right to run an operation. `token` only ever grows; `operation_id` is NULL while the lease is free.
CREATE TABLE lease (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  token        INTEGER NOT NULL,
  operation_id TEXT,
  actor        TEXT,
  host         TEXT,
  pid          INTEGER,
  process      TEXT,
  acquired_at  INTEGER,
  heartbeat_at INTEGER
) STRICT;
INSERT INTO lease (id, token) VALUES (1, 0);

-- What happened, append-only; each row's hash covers the row before it.
CREATE TABLE history (
  seq          INTEGER PRIMARY KEY,
  at           INTEGER NOT NULL,
  actor        TEXT NOT NULL,
  event        TEXT NOT NULL,
  operation_id TEXT,
  detail       TEXT NOT NULL,
  previous     TEXT NOT NULL,
  hash         TEXT NOT NULL
) STRICT;
CREATE TRIGGER history_keeps_rows BEFORE DELETE ON history BEGIN SELECT raise(ABORT, 'history is append-only'); END;
CREATE TRIGGER history_keeps_text BEFORE UPDATE ON history BEGIN SELECT raise(ABORT, 'history is append-only'); END;
