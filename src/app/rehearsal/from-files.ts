/** Definitions from files and folders, each file by its shape. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { alarmOfOtherKind } from '../../core/alarm-fitness/index.ts';
import { OptionError } from '../config.ts';
import {
  declare,
  type Definitions,
  noDefinitions,
  readAlarm,
  readGroup,
  readPipeline,
  readRouting,
  wholeNumber,
} from './definitions.ts';
import { isScenario } from './scenario.ts';
import { type Part, SourceFile } from './source-file.ts';
import { isTemplate, type Parameters, parametersOf, readStack } from './template.ts';

export type FromFiles = Readonly<{
  definitions: Definitions;
  /** The path of the scenario that lies among them. */
  scenario?: string;
  /** Of a folder: files that are something else. */
  passedOver: readonly string[];
}>;

const EXPECTED =
  'expected a pipeline (aws codepipeline get-pipeline), a deployment group (aws deploy get-deployment-group), a deployment ' +
  'configuration (get-deployment-config), alarms (aws cloudwatch describe-alarms), the input that creates one of them, or a ' +
  'CloudFormation template';

/** A folder gives what lies in it, not in folders of it. Throws `SettingError` and `OptionError`. */
export function readDefinitions(paths: readonly string[], parameters: Parameters): FromFiles {
  const definitions = noDefinitions();
  const passedOver: string[] = [];
  const scenarios: string[] = [];
  const asked = new Set<string>();
  for (const { path, listed } of paths.flatMap(filesAt)) {
    const file = new SourceFile(path, readFileSync(path, 'utf8'));
    if (isTemplate(file.root)) {
      for (const name of parametersOf(file.root)) asked.add(name);
      readStack(file.root, parameters, definitions);
    } else if (isScenario(file.root.keys())) scenarios.push(path);
    else if (!read(file.root, definitions)) {
      if (!listed) throw file.error([], EXPECTED);
      passedOver.push(path);
    }
  }
  const strange = [...parameters.keys()].find((name) => !asked.has(name));
  if (strange !== undefined) throw new OptionError(`--parameters ${strange}: no template has a parameter of that name`);
  const [scenario, another] = scenarios;
  if (another !== undefined)
    throw new OptionError(`${scenario} and ${another} are both scenarios: say which by --scenario`);
  return { definitions, ...(scenario === undefined ? {} : { scenario }), passedOver };
}

function filesAt(path: string): readonly Readonly<{ path: string; listed: boolean }>[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new OptionError(`--from ${path}: there is no such file`);
  if (!found.isDirectory()) return [{ path, listed: false }];
  const files = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(json|ya?ml|template)$/.test(entry.name))
    .map((entry) => ({ path: join(path, entry.name), listed: true }))
    .toSorted((a, b) => (basename(a.path) < basename(b.path) ? -1 : 1));
  if (files.length === 0) throw new OptionError(`--from ${path}: no JSON or YAML file lies there`);
  return files;
}

/** False: it is none of what is known. */
function read(root: Part, into: Definitions): boolean {
  if (Array.isArray(root.value)) {
    const items = root.items();
    return items.length > 0 && items.every((each) => read(each, into));
  }
  if (root.has('pipeline')) return pipeline(root.at('pipeline'), into);
  if (root.has('stages') && root.has('name')) return pipeline(root, into);
  if (root.has('deploymentGroupInfo')) return group(root.at('deploymentGroupInfo'), into);
  if (root.has('deploymentGroupsInfo')) {
    return root
      .at('deploymentGroupsInfo')
      .items()
      .every((each) => group(each, into));
  }
  if (root.has('deploymentGroupName') && root.has('applicationName')) return group(root, into);
  if (root.has('deploymentConfigInfo')) return config(root.at('deploymentConfigInfo'), into);
  if (root.has('deploymentConfigName')) return config(root, into);
  if (root.has('MetricAlarms') || root.has('CompositeAlarms')) {
    for (const each of root.at('MetricAlarms').items()) alarm(each, into);
    for (const each of root.at('CompositeAlarms').items()) composite(each, into);
    return true;
  }
  if (root.has('AlarmRule')) return composite(root, into);
  if (root.has('AlarmName')) return alarm(root, into);
  if (root.has('projects')) {
    return root
      .at('projects')
      .items()
      .every((each) => project(each, into));
  }
  return false;
}

function pipeline(part: Part, into: Definitions): true {
  const declaration = readPipeline(part);
  declare(into.pipelines, 'pipeline', declaration.name, declaration, part);
  return true;
}

function group(part: Part, into: Definitions): true {
  const declaration = readGroup(part);
  const name = `${declaration.applicationName}/${declaration.deploymentGroupName}`;
  declare(into.groups, 'deployment group', name, declaration, part);
  return true;
}

function config(part: Part, into: Definitions): true {
  declare(into.routings, 'deployment configuration', part.at('deploymentConfigName').text(), readRouting(part), part);
  return true;
}

function alarm(part: Part, into: Definitions): true {
  const declaration = readAlarm(part);
  declare(into.alarms, 'alarm', declaration.AlarmName, declaration, part);
  return true;
}

function composite(part: Part, into: Definitions): true {
  const name = part.at('AlarmName').text();
  declare(into.alarms, 'alarm', name, alarmOfOtherKind(name, 'OK', 'Composite'), part);
  return true;
}

function project(part: Part, into: Definitions): true {
  const minutes = part.at('timeoutInMinutes').maybe(wholeNumber);
  if (minutes !== undefined) declare(into.buildTimeouts, 'project', part.at('name').text(), minutes, part);
  return true;
}
