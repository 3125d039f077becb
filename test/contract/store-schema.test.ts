/** The committed dump of the schema is what the migrations make. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { dumpSchema, schemaPath, whyNoDump } from '../../scripts/schema-dump.ts';

const reason = whyNoDump();

it.skipIf(reason !== undefined)(
  `migrations/schema.sql is fresh${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  async () => {
    const fresh = await dumpSchema();
    expect(readFileSync(schemaPath, 'utf8') === fresh, 'run `npm run schema-dump` and look at the difference').toBe(
      true,
    );
  },
);
