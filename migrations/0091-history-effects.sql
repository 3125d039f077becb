-- What was to be done after each turn, so that a replay checks it and not the states alone (`src/common/effect-record.ts`).
-- Absent in the first row, whose event has its effects whole, and in rows written before they were kept.
ALTER TABLE history
  -- Their types, in order.
  ADD COLUMN effects             text,
  ADD COLUMN effects_fingerprint bigint;
