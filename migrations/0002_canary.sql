-- One canary run: the pairs it sent, what they were measured by, and the verdict after it.
CREATE TABLE canary_runs (
  id INTEGER PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE,              -- the caller's; a run that comes twice counts once
  stage_id INTEGER NOT NULL REFERENCES stages(id),
  settings TEXT NOT NULL,                   -- hash of everything that a verdict depends on
  at INTEGER NOT NULL,                      -- when it ended, Unix ms
  verdict TEXT NOT NULL CHECK (verdict IN ('PASS', 'FAIL', 'INCONCLUSIVE', 'ERROR')),
  document TEXT NOT NULL,                   -- JSON, as printed
  latency_p95_ms REAL,                      -- legacy's, from earlier runs
  ttft_p95_ms REAL,
  legacy_unhealthy INTEGER NOT NULL CHECK (legacy_unhealthy IN (0, 1))
) STRICT;
CREATE INDEX canary_runs_stage ON canary_runs (stage_id, id);

-- Two rows a pair, one for each side.
CREATE TABLE canary_samples (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES canary_runs(id) ON DELETE CASCADE,
  pair INTEGER NOT NULL,                    -- position in the run
  side TEXT NOT NULL CHECK (side IN ('legacy', 'target')),
  probe INTEGER NOT NULL,
  status TEXT NOT NULL,                     -- ok, or an error class
  latency_ms REAL NOT NULL,
  ttft_ms REAL,
  input_tokens INTEGER,
  cached_input_tokens INTEGER,
  output_tokens INTEGER,
  cost_usd REAL,
  invalid INTEGER CHECK (invalid IN (0, 1)),
  UNIQUE (run, pair, side)
) STRICT;

-- The evidence of a stage. Whoever writes must have read the version that stands here.
CREATE TABLE canary_state (
  stage_id INTEGER PRIMARY KEY REFERENCES stages(id),
  version INTEGER NOT NULL,
  settings TEXT NOT NULL,
  pairs INTEGER NOT NULL,
  first_run INTEGER NOT NULL REFERENCES canary_runs(id),  -- evidence before it was under other settings
  cost_cap_usd REAL
) STRICT;

CREATE TABLE canary_tests (
  stage_id INTEGER NOT NULL REFERENCES canary_state(stage_id) ON DELETE CASCADE,
  metric TEXT NOT NULL,
  fail TEXT NOT NULL,                       -- JSON: six log capitals
  pass TEXT NOT NULL,
  passed INTEGER NOT NULL CHECK (passed IN (0, 1)),
  n INTEGER NOT NULL,
  PRIMARY KEY (stage_id, metric)
) STRICT;
