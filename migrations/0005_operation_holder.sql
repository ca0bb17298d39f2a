-- JSON: the process that ran an operation last. Whoever takes over may have to wait until it has stopped.
ALTER TABLE operations ADD COLUMN holder TEXT;
