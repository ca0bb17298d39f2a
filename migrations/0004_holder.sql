-- Who holds the lease, known well enough to tell a process that ended from one that cannot be seen: the boot of its
-- machine and its PID namespace. `beats` grows while the holder lives; no clock of another machine is compared.
ALTER TABLE lease ADD COLUMN boot TEXT;
ALTER TABLE lease ADD COLUMN namespace TEXT;
ALTER TABLE lease ADD COLUMN beats INTEGER NOT NULL DEFAULT 0;
