-- What a replay needs beyond the events: where it may begin, and what it must come to.
-- A row with a state is a beginning: the state after that turn. The first row of a loop is one (event `Created`), and then
-- every so many turns one more, so that what came before may be let go.
ALTER TABLE history
  ADD COLUMN state       jsonb,
  -- Of the state after the turn, as `src/common/fingerprint.ts` makes it; absent in rows written before it was kept.
  ADD COLUMN fingerprint bigint;
