// The map that a commune has drawn: areas and points of its villages, from
// GeoJSON. No map of anybody else's stands behind it.
import { call, missing } from "./call";
import type { MapBody } from "./api";

export type Position = [number, number];
export interface Shape {
  unit: string;
  name: string;
  /** rings of areas; one position alone is a point. */
  rings: Position[][];
}

interface Feature {
  properties: { unit?: string; name?: string } | null;
  geometry: { type: "Point"; coordinates: Position } | { type: "Polygon"; coordinates: Position[][] } | { type: "MultiPolygon"; coordinates: Position[][][] };
}

/** In GeoJSON a ring ends where it began (RFC 7946, 3.1.6); here each corner is there once. */
const closed = (ring: Position[]): Position[] => (ring[0] ? [...ring, ring[0]] : ring);
const opened = (ring: Position[]): Position[] => {
  const [first, last] = [ring[0], ring[ring.length - 1]];
  return first && last && ring.length > 3 && first[0] === last[0] && first[1] === last[1] ? ring.slice(0, -1) : ring;
};

/** shapesOf reads GeoJSON that the hub has checked. */
export function shapesOf(geojson: string): Shape[] {
  const c = JSON.parse(geojson) as { features: Feature[] };
  return c.features.map((f) => ({
    unit: f.properties?.unit ?? "",
    name: f.properties?.name ?? "",
    rings: f.geometry.type === "Point" ? [[f.geometry.coordinates]] : (f.geometry.type === "Polygon" ? f.geometry.coordinates : f.geometry.coordinates.flat()).map(opened),
  }));
}

/** geojsonOf writes shapes. */
export const geojsonOf = (shapes: Shape[]): string =>
  JSON.stringify({
    type: "FeatureCollection",
    features: shapes.map((s) => ({
      type: "Feature",
      properties: { unit: s.unit, name: s.name },
      geometry: s.rings.length === 1 && s.rings[0]?.length === 1 ? { type: "Point", coordinates: s.rings[0][0] } : { type: "Polygon", coordinates: s.rings.map(closed) },
    })),
  });

export const mapOf = async (unit: string): Promise<Shape[]> => {
  const m = await call<MapBody>("GET", `/units/${encodeURIComponent(unit)}/map`).catch(missing);
  return m ? shapesOf(m.geojson) : [];
};

/** plane fits shapes into a box 1000 wide; degrees are narrowed by the latitude. */
export function plane(shapes: Shape[]): { at: (p: Position) => Position; height: number } {
  const all = shapes.flatMap((s) => s.rings.flat());
  const xs = all.map((p) => p[0]);
  const ys = all.map((p) => p[1]);
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const degrees = all.every(([x, y]) => Math.abs(x) <= 180 && Math.abs(y) <= 90);
  const squeeze = degrees ? Math.cos((((low + high) / 2) * Math.PI) / 180) : 1;
  const wide = Math.max((right - left) * squeeze, 1e-9);
  const scale = 920 / Math.max(wide, (high - low) * 1.2, 1e-9);
  return {
    at: ([x, y]) => [40 + (x - left) * squeeze * scale, 40 + (degrees ? high - y : y - low) * scale],
    height: Math.max(240, (high - low) * scale + 80),
  };
}

export interface Tint {
  /** share of the village that was reached, 0 to 1; undefined: nothing is known. */
  value: number | undefined;
  label: string;
}

const middle = (ring: Position[]): Position => [ring.reduce((n, p) => n + p[0], 0) / ring.length, ring.reduce((n, p) => n + p[1], 0) / ring.length];

/** short is a name that fits over its village; the whole one stands in the title. */
export const short = (name: string): string => (name.length > 22 ? name.slice(0, 21) + "…" : name);

/** Map shows shapes, each with its name, and a tint that says what the list says in words. */
export function Map({ shapes, tint, label }: { shapes: Shape[]; tint: (unit: string) => Tint | undefined; label: string }) {
  const p = plane(shapes);
  return (
    <svg class="map" viewBox={`0 0 1000 ${Math.round(p.height)}`} role="img" aria-label={label}>
      {shapes.map((s, i) => {
        const t = tint(s.unit);
        const tone = t === undefined || t.value === undefined ? "none" : t.value >= 0.999 ? "full" : t.value > 0 ? "part" : "zero";
        const [x, y] = p.at(middle(s.rings[0] ?? []));
        return (
          <g key={i} class={tone}>
            <title>{`${s.name}: ${t?.label ?? ""}`}</title>
            {s.rings.map((ring, k) =>
              ring.length === 1 ? <circle key={k} cx={x} cy={y} r="16" /> : <path key={k} d={"M" + ring.map((q) => p.at(q).map((n) => n.toFixed(1)).join(" ")).join("L") + "Z"} />,
            )}
            <text x={x} y={(s.rings[0]?.length ?? 0) === 1 ? y + 52 : y}>
              {short(s.name)}
            </text>
            {t && t.value !== undefined && (
              <text class="share" x={x} y={(s.rings[0]?.length ?? 0) === 1 ? y + 84 : y + 36}>
                {Math.round(t.value * 100)}&nbsp;%
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}
