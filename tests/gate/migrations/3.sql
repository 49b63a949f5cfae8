CREATE TABLE reconcile (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    phase TEXT NOT NULL,
    place TEXT NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL
);
