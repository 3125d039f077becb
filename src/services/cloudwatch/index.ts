/**
 * Amazon CloudWatch: metrics, and alarms on them.
 *
 * Start with `records.ts` (what is kept), `metric-writer.ts` (how data comes in) and `alarm-loop.ts`, which performs what
 * `core/alarm` decides.
 */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { describeAlarmHistory } from './alarm-history.ts';
import { alarmLoop } from './alarm-loop.ts';
import {
  deleteAlarms,
  describeAlarms,
  describeAlarmsForMetric,
  disableAlarmActions,
  enableAlarmActions,
  putMetricAlarm,
  setAlarmState,
} from './alarms.ts';
import { getMetricData, getMetricStatistics, listMetrics } from './metrics.ts';
import { putMetricData } from './put-metric-data.ts';
import { resourceAccess } from './resource-access.ts';
import { listTagsForResource, tagResource, untagResource } from './tags.ts';

export const cloudwatch: ServiceDefinition = {
  name: 'cloudwatch',
  iamPrefix: 'cloudwatch',
  operations: operationsOf({
    deleteAlarms,
    describeAlarmHistory,
    describeAlarms,
    describeAlarmsForMetric,
    disableAlarmActions,
    enableAlarmActions,
    getMetricData,
    getMetricStatistics,
    listMetrics,
    listTagsForResource,
    putMetricAlarm,
    putMetricData,
    setAlarmState,
    tagResource,
    untagResource,
  }),
  loops: (house) => [alarmLoop(house)],
  resourceAccess,
};
