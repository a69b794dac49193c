// Grafana's own types against the dashboards. Text of an enumeration is text in JSON: `Plain` says so to the compiler.
import type { Dashboard } from "../node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen";
import type * as heatmap from "../node_modules/@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/types.gen";
import type * as stat from "../node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen";
import type * as statetimeline from "../node_modules/@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/types.gen";
import type * as table from "../node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen";
import type * as timeseries from "../node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen";

type Plain<T> = T extends string ? `${T}`
  : T extends (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T]: Plain<T[K]> }
  : T;

// What the types leave to others: a mark's expression to the data source; `auto` to variables that are intervals, which
// the SDK writes for every variable.
type Marked<T> = T & {
  annotations?: { list?: { expr?: string }[] };
  templating?: { list?: { auto?: boolean; auto_min?: string; auto_count?: number }[] };
};

export type Board = Marked<Plain<Dashboard>>;
export type Options = {
  heatmap: Plain<Partial<heatmap.Options>>;
  stat: Plain<Partial<stat.Options>>;
  "state-timeline": Plain<Partial<statetimeline.Options>>;
  table: Plain<Partial<table.Options>>;
  timeseries: Plain<Partial<timeseries.Options>>;
};
export type Custom = {
  heatmap: Plain<heatmap.FieldConfig>;
  "state-timeline": Plain<statetimeline.FieldConfig>;
  table: Plain<Partial<table.FieldConfig>>;
  timeseries: Plain<timeseries.FieldConfig>;
};
