-- The peers' tables, filled with the same people, in a copy of the product's database.
CREATE TABLE older_users AS
    SELECT id::int, username, email, password, created_at::timestamp, NULL::varchar(255) AS refresh_token, true AS confirmed
    FROM accounts_user;
ALTER TABLE older_users ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX ON older_users (email);

-- 29 February is the contract's 28th in common years, which the older design does not know.
CREATE TABLE older_contacts AS
    SELECT id::int, fullname, email, left(regexp_replace(phone, '\D', '', 'g'), 15)::bigint AS phone_number,
        CASE WHEN month_day = 229 THEN birthday - 1 ELSE birthday END AS birthday,
        additional, avatar::varchar(255), user_id::int
    FROM contacts_contact;
ALTER TABLE older_contacts ADD PRIMARY KEY (id);
ALTER TABLE older_contacts ADD FOREIGN KEY (user_id) REFERENCES older_users ON DELETE CASCADE;
CREATE INDEX ON older_contacts (user_id);
CREATE SEQUENCE older_contacts_id_seq OWNED BY older_contacts.id;
ALTER TABLE older_contacts ALTER id SET DEFAULT nextval('older_contacts_id_seq');
SELECT setval('older_contacts_id_seq', (SELECT max(id) FROM older_contacts));

CREATE TABLE expert_users AS SELECT id, username, email, password, true AS confirmed FROM accounts_user;
ALTER TABLE expert_users ADD PRIMARY KEY (id);

CREATE TABLE expert_contacts AS
    SELECT id, user_id, fullname, email, left(regexp_replace(phone, '\D', '', 'g'), 15)::bigint AS phone_number,
        birthday, additional, avatar, month_day, fullname_folded, email_folded
    FROM contacts_contact;
ALTER TABLE expert_contacts ADD PRIMARY KEY (id);
ALTER TABLE expert_contacts ADD FOREIGN KEY (user_id) REFERENCES expert_users ON DELETE CASCADE;
CREATE INDEX ON expert_contacts (user_id, fullname_folded, id);
CREATE INDEX ON expert_contacts (user_id, month_day);
CREATE INDEX ON expert_contacts USING gin (user_id, fullname_folded gin_trgm_ops);
CREATE INDEX ON expert_contacts USING gin (user_id, email_folded gin_trgm_ops);
CREATE SEQUENCE expert_contacts_id_seq OWNED BY expert_contacts.id;
ALTER TABLE expert_contacts ALTER id SET DEFAULT nextval('expert_contacts_id_seq');
SELECT setval('expert_contacts_id_seq', (SELECT max(id) FROM expert_contacts));

DROP TABLE contacts_change, contacts_group, contacts_firstanswer, contacts_contact CASCADE;
