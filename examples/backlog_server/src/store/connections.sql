-- What a connection is called, by its person and by its program, and which clients are still used.

-- By the person who allowed it; nobody else's word is shown on a page.
ALTER TABLE codes ADD COLUMN name TEXT;
ALTER TABLE grants ADD COLUMN name TEXT;

-- By the program in its last `initialize`: for usage events alone.
ALTER TABLE grants ADD COLUMN client_name TEXT;
ALTER TABLE grants ADD COLUMN client_version TEXT;

-- When somebody approved it last, or it refreshed its tokens; null: never.
ALTER TABLE clients ADD COLUMN used_at INTEGER;
UPDATE clients SET used_at = unixepoch() WHERE approved;
ALTER TABLE clients DROP COLUMN approved;
CREATE INDEX grants_of_client ON grants (client_id);
CREATE INDEX codes_of_client ON codes (client_id);
