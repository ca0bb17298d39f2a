-- While a row is here no forward step begins. Backward ones always may.
CREATE TABLE freeze (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  reason TEXT NOT NULL,
  actor  TEXT NOT NULL,
  since  INTEGER NOT NULL,
  until  INTEGER                            -- Unix ms; NULL until it is lifted by hand
) STRICT;
