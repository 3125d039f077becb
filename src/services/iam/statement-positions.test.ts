import { describe, expect, it } from 'vitest';
import { statementSpans } from './statement-positions.ts';

describe('statementSpans()', () => {
  it('says what AWS says of its own example', () => {
    const text =
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}';
    expect(statementSpans(text)).toEqual([{ start: { Line: 1, Column: 38 }, end: { Line: 1, Column: 167 } }]);
  });

  it('counts lines, and is not led astray by what strings hold', () => {
    const text = `{
  "Id": "\\"Statement\\": [{}]",
  "Statement": [
    { "Sid": "a}]" },
    {
      "Sid": "b"
    }
  ]
}`;
    expect(statementSpans(text)).toEqual([
      { start: { Line: 4, Column: 6 }, end: { Line: 4, Column: 21 } },
      { start: { Line: 5, Column: 6 }, end: { Line: 7, Column: 6 } },
    ]);
  });

  it('finds none where there is none', () => {
    for (const text of ['{}', '{"Statement":[]}', '', '[]', '{"a":1}']) expect(statementSpans(text)).toEqual([]);
  });
});
