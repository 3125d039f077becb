-- CloudTrail's event history reads the audit trail: management events of an account in a Region, newest first, and those of
-- other accounts upon its resources.
ALTER TABLE audit ADD COLUMN management boolean NOT NULL DEFAULT false;
ALTER TABLE audit ADD COLUMN recipient text COLLATE "C";
CREATE INDEX audit_management ON audit (account, region, at DESC, id DESC) WHERE management;
CREATE INDEX audit_recipient ON audit (recipient, region, at DESC, id DESC) WHERE recipient IS NOT NULL;
