/** DescribeAlarmHistory: newest first, unless asked otherwise; for two weeks, deleted alarms included. */
import type { DescribeAlarmHistoryInput, DescribeAlarmHistoryOutput } from '@aws-sdk/client-cloudwatch';
import { AwsError, DAY_MS } from '../../common/index.ts';
import { operation } from '../service.ts';
import { isPosition, type Position, readToken, token } from './pages.ts';
import { alarmArnOf, alarmHistory } from './records.ts';

const KEPT_MS = 14 * DAY_MS;
const DEFAULT_PAGE = 100;

export const describeAlarmHistory = operation<DescribeAlarmHistoryInput, DescribeAlarmHistoryOutput>({
  authorize: (input, call) => [
    {
      action: 'cloudwatch:DescribeAlarmHistory',
      resource: alarmArnOf(call, typeof input.AlarmName === 'string' ? input.AlarmName : '*'),
    },
  ],
  async handle(input, call) {
    if (input.AlarmContributorId !== undefined) {
      throw new AwsError('ResourceNotFound', `There is no alarm contributor ${input.AlarmContributorId}.`);
    }
    if (input.AlarmTypes !== undefined && !input.AlarmTypes.includes('MetricAlarm')) return { AlarmHistoryItems: [] };
    const limit = input.MaxRecords ?? DEFAULT_PAGE;
    const startAt = Math.max(input.StartDate === undefined ? 0 : Number(input.StartDate), call.now - KEPT_MS);
    const endAt = input.EndDate === undefined ? Infinity : Number(input.EndDate);
    const descending = input.ScanBy !== 'TimestampAscending';
    const found = [];
    let after = readToken<Position>(input.NextToken, isPosition);
    for (;;) {
      const rows = await alarmHistory.list(call.house.store, {
        account: call.account,
        region: call.region,
        descending,
        limit: limit + 1,
        ...(input.AlarmName !== undefined && { parent: input.AlarmName }),
        ...(after !== undefined && { after }),
      });
      for (const row of rows) {
        const { type, at } = row.document;
        if ((input.HistoryItemType ?? type) === type && at >= startAt && at < endAt) found.push(row);
      }
      const last = rows.at(-1);
      if (found.length > limit || last === undefined || rows.length <= limit) break;
      after = { sort: last.sort, id: last.key.id };
    }
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      AlarmHistoryItems: page.map(({ document }) => ({
        AlarmName: document.alarmName,
        AlarmType: 'MetricAlarm' as const,
        Timestamp: new Date(document.at),
        HistoryItemType: document.type,
        HistorySummary: document.summary,
        HistoryData: document.data,
      })),
      ...(found.length > limit && last !== undefined && { NextToken: token({ sort: last.sort, id: last.key.id }) }),
    };
  },
});
