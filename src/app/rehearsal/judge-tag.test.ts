/** The tag sluice:judge among definitions from files: as the API takes tags, and as a template has them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { defaultJudge } from '../../core/judge/index.ts';
import { readDefinitions } from './from-files.ts';
import { groupFromFiles } from './plans.ts';
import { deploymentPlan } from './watched-group.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-judge-tag-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function judgeOf(name: string, content: string, group: string) {
  const path = join(folder, name);
  writeFileSync(path, content);
  const { definitions } = readDefinitions([path], new Map());
  return deploymentPlan(groupFromFiles(definitions, group), { missingStops: false }).plan.judge;
}

const bare = JSON.parse(readFileSync('examples/rehearse/deployment-group.json', 'utf8')) as object;
const tagged = (Value: string): string =>
  JSON.stringify(
    {
      ...bare,
      tags: [
        { Key: 'team', Value: 'x' },
        { Key: 'sluice:judge', Value },
      ],
    },
    null,
    2,
  );

it('is read of a group as CreateDeploymentGroup takes it', () => {
  expect(judgeOf('on.json', tagged('on'), 'greeter/live')).toEqual(defaultJudge);
  expect(judgeOf('off.json', tagged('off'), 'greeter/live')).toBeUndefined();
  expect(judgeOf('none.json', JSON.stringify(bare), 'greeter/live')).toBeUndefined();
});

it('is refused with its place', () => {
  expect(() => judgeOf('bad.json', tagged('please'), 'greeter/live')).toThrow(
    /bad\.json, line \d+, tags\[1\]\.Value: please is not a setting/,
  );
});

it('is read of a template', () => {
  const template = `
Resources:
  Live:
    Type: AWS::CodeDeploy::DeploymentGroup
    Properties:
      ApplicationName: app
      DeploymentGroupName: live
      ServiceRoleArn: arn:aws:iam::000000000000:role/codedeploy
      Tags:
        - { Key: 'sluice:judge', Value: 'alpha=0.1' }
`;
  expect(judgeOf('template.yaml', template, 'app/live')).toEqual({ ...defaultJudge, alpha: 0.001 });
});
