-- Whether both sides stay as they are where such an update is found in force: it took something back, and left them apart.
ALTER TABLE transit ADD COLUMN source_apart INTEGER NOT NULL DEFAULT 0 CHECK (source_apart IN (0, 1));
