/** A store whose statements are seen on their way, those of its transactions too. */
import type { Queryable, Store, Tx } from '../src/store/index.ts';

export function withStatements(store: Store, query: (q: Queryable | Tx) => Queryable['query']): Store {
  return {
    kind: store.kind,
    query: query(store),
    transaction: (work) => store.transaction((tx) => work({ ...tx, query: query(tx) })),
    close: () => store.close(),
  };
}
