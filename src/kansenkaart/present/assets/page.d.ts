// What the page's scripts get from Python and from each other, for the checker; never part of a page.

/** A class of a legend, as `LegendClass` in style.py writes it. */
interface LegendItem { letter: string; label: string; color: string; hatch?: boolean; stroke?: number[] }
interface ClassItem extends LegendItem { low: number | null; high: number | null; values: string[] }

/** One way to colour a theme, as `View` in mapspec.py. */
interface ViewSpec { label: string; column: string; classes: ClassItem[]; note: string; signs: boolean }

/** One subject of the map, as `Theme` in mapspec.py. */
interface ThemeSpec {
  key: string; title: string; layer: string; question: string; views: ViewSpec[]; popup: string[]; table: string[];
  outlines: string[]; filter_column: string; lead: string[]; headline: string; parties: string[]; months: string[]; parts: [string, string]; story: { finding: string; shows: string; reading: string; limits: string; method: string };
}

/** A column as the layer's header describes it. */
interface ColumnAbout {
  name: string; label: string; source: string; unit: string; year: string; basis: string; definition: string;
  kind: "number" | "text"; decimals: number; yearColumn: string; basisColumn: string; enc: string;
  width: number; width2: number; size: number; least: number; bytes: number;
}

/** A column that was unpacked: numbers, codes into words, or texts. */
interface ColumnData { about: ColumnAbout; value(i: number): any; numbers?: Float64Array; sorted?: any; codes?: Uint8Array | Uint16Array | Uint32Array; words?: string[] }

/** The header of a packed layer. */
interface LayerHeader {
  name: string; label: string; kind: "polygon" | "line" | "point"; n: number; columns: ColumnAbout[]; key: string; title: string;
  arrows: boolean; counts: number[]; streams: number[]; textBytes: number; origin: [number, number]; grid3857: number;
  links: { column: string; label: string }[];
}

/** A layer that was unpacked: rings of points on a grid, and columns. */
interface LayerData extends LayerHeader {
  about: { get(name: string): ColumnAbout }; partStart: Uint32Array; ringStart: Uint32Array; pointStart: Uint32Array;
  x: Int32Array; y: Int32Array; box: Int32Array; room?: number; index?: any; slim?: number;
  column(name: string): ColumnData; titleOf(i: number): string; keyOf(i: number): string;
}

interface SourceSpec { key: string; title: string; publisher: string; edition: string; licence: string; note: string }
interface BorderSpec { key: string; label: string; explanation: string; weight: number }
interface CriterionSpec { key: string; label: string; unit: string; definition: string; weight: number; decimals: number; up: boolean }
interface AreaSpec { key: string; name: string; units: string[]; values: (number | null)[]; note: string; sure: number | null; link: string }

/** The tool to put an area together. */
interface ToolSpec {
  layer: string; homes: string; totals: string[]; note: string; top: number; target: number; targetLow: number; targetHigh: number;
  bandFrac: number; edges: { a: string[]; b: string[]; kind: number[]; length: number[]; passable: number[] }; borders: BorderSpec[]; areas: AreaSpec[];
  fixed: { label: string; column: string; value: number; low: number[]; high: number[] } | null; criteria: CriterionSpec[];
}

interface StartSpec {
  title: string; answers: { question: string; answer: string; origin: string; folded: boolean }[]; units: string[]; link: string; layer: string; feature: string; mark: string;
  places: { feature: string; name: string; middle: number; low: number; high: number; chance: number; words: string; amount: string; span: string; homes: string }[];
  unknown: [string, string][];
}

/** All that Python says of a page, but for the bytes of its layers. */
interface PageSpec {
  map: string; title: string; study: string; edition: string; example: boolean; unknownColor: string; darkColors: Record<string, string>; layers: LayerHeader[];
  themes: ThemeSpec[]; questions: Record<string, string>; sources: SourceSpec[]; credits: { text: string; url: string }[];
  backgrounds: { key: string; label: string; url: string; credit: string; maxZoom: number }[]; /** Null on a page without blocks: what draws the tool is only called where there is one. */ tool: ToolSpec;
  words: Record<string, Record<string, string>>; /** Null where nothing is proposed. */ start: StartSpec; pages: { label: string; path: string }[];
  context: string[];
}

/** One thing to paint, from the bottom up; which members it has follows from its kind. */
interface Pass {
  kind: "context" | "classes" | "outline" | "names" | "words" | "marks" | "discs" | "roof"; layer: LayerData; classOf?: any; palette?: LegendItem[];
  edgeZoom?: number; signs?: boolean; width?: number; color?: string; dash?: number[]; marked?: (i: number) => boolean; always?: boolean; halo?: string;
  label?: (i: number) => string; at?: number; text?: string; discs?: { i: number; text: string; feature: string }[]; spots?: { text: string; x: number; y: number }[];
}

declare const spec: PageSpec;
/** Leaflet carries no types of its own. */
declare const L: any;
interface Window { fflate: any; [name: string]: any }
interface Uint8ArrayConstructor { fromBase64?(text: string): Uint8Array }
