-- When a step asked for something last, by the clock of the machine that nobody can set: {"boot", "ms"}, ms since that
-- boot. `started_at` is by a clock that may be another, or have been set since.
ALTER TABLE steps ADD COLUMN started_uptime TEXT;
