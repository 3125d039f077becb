export { decide, type DeliveryEffect, type DeliveryEvent, type DeliveryState, type Failure } from './decide.ts';
