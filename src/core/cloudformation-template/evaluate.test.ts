import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../common/index.ts';
import { attempt, evaluate, isOpen, makePlan, type Names, NO_ECHO, readTemplate } from './index.ts';

const early: Record<string, Json> = { P: 'a-b', L: ['x', 'y'] };
const late: Record<string, Json> = { R: 'r-1', 'R.Arn': 'arn:r-1' };
const names = (...known: Record<string, Json>[]): Names => {
  const all: Record<string, Json> = Object.assign({}, ...known);
  return {
    ref: (name) => all[name],
    attribute: (name, attribute) => all[`${name}.${attribute}`],
    condition: (name) => name === 'Yes',
    mappings: { M: { 'a-b': { V: 'mapped' } } },
  };
};

const text = fc.letrec<Record<'value', Json>>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Json>(
      'plain',
      { Ref: 'P' },
      { Ref: 'R' },
      { 'Fn::GetAtt': ['R', 'Arn'] },
      { 'Fn::Sub': '${P}/${R.Arn}${!P}' },
    ),
    fc.array(tie('value'), { maxLength: 3 }).map((parts): Json => ({ 'Fn::Join': ['-', parts] })),
    tie('value').map((value): Json => ({ 'Fn::Select': [0, { 'Fn::Split': ['-', value] }] })),
    tie('value').map((value): Json => ({ 'Fn::Base64': value })),
    tie('value').map((x): Json => ({ 'Fn::Sub': ['<${x}>${P}', { x }] })),
    fc.tuple(fc.constantFrom('Yes', 'No'), tie('value'), tie('value')).map((parts): Json => ({ 'Fn::If': parts })),
  ),
})).value;

describe('evaluate()', () => {
  it('gives in two steps what it gives in one', () => {
    fc.assert(
      fc.property(text, (value) => {
        const once = evaluate(value, names(early, late));
        const first = evaluate(value, names(early)) ?? null;
        expect(evaluate(first, names(late))).toEqual(once);
        expect(isOpen(once ?? null)).toBe(false);
      }),
    );
  });

  it.each<[Json, Json]>([
    [{ 'Fn::FindInMap': ['M', { Ref: 'P' }, 'V'] }, 'mapped'],
    [{ 'Fn::Join': [',', { Ref: 'L' }] }, 'x,y'],
    [{ 'Fn::Sub': '${!Literal} ${P}' }, '${Literal} a-b'],
    [[{ Ref: 'AWS::NoValue' }, 1], [1]],
    [{ a: { 'Fn::If': ['No', 1, { Ref: 'AWS::NoValue' }] }, b: 2 }, { b: 2 }],
    [{ 'Fn::Base64': 'ü' }, 'w7w='],
    [{ 'Fn::Equals': ['1', 1] }, true],
  ])('%j is %j', (value, expected) => {
    expect(evaluate(value, names(early, late))).toEqual(expected);
  });

  it('says what cannot be selected', () => {
    expect(attempt(() => evaluate({ 'Fn::Select': [5, ['a']] }, names())).fault).toBe(
      'Template error: Fn::Select cannot select nonexistent value at index 5',
    );
  });
});

describe('makePlan()', () => {
  it('keeps NoEcho parameters out, and orders by every reference', () => {
    const raw = {
      Parameters: { S: { Type: 'String', NoEcho: true } },
      Resources: {
        A: { Type: 'T', Properties: { V: { 'Fn::Sub': 'x${S}' } } },
        B: { Type: 'T', Properties: { V: { 'Fn::Sub': '${A.Id}' } } },
        C: { Type: 'T', DependsOn: 'B' },
      },
    };
    const { value: template } = readTemplate(raw, { T: { properties: ['V'], required: [], attributes: ['Id'] } });
    const pseudo = { account: '1', region: 'r', stackId: 'i', stackName: 'n' };
    const { value: plan } = makePlan(template!, { values: { S: 'hidden' }, secrets: { S: 'S@1' }, pseudo });
    expect(JSON.stringify(plan)).not.toContain('hidden');
    expect(plan?.resources['A']?.properties).toEqual({ V: { 'Fn::Join': ['', ['x', { [NO_ECHO]: 'S@1' }]] } });
    expect(Object.values(plan?.resources ?? {}).map(({ dependsOn }) => dependsOn)).toEqual([[], ['A'], ['B']]);
  });
});
