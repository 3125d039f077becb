/** Reads a function, lets the caller change it, and writes it back, as one. */
import type { Call } from '../service.ts';
import { functionKey, functionNotFound, type FunctionRecord, functions, type Place } from './records.ts';

/** Returns what was written. `change` may throw; it may run more than once. Throws `ResourceNotFoundException`. */
export async function changeFunction(
  call: Call,
  place: Place,
  change: (record: FunctionRecord) => FunctionRecord | Promise<FunctionRecord>,
): Promise<FunctionRecord> {
  return call.house.store.transaction(async (tx) => {
    const found = await functions.getForUpdate(tx, functionKey(place));
    if (found === undefined) throw functionNotFound(place);
    const changed = await change(found.document);
    await functions.update(tx, functionKey(place), changed);
    return changed;
  });
}
