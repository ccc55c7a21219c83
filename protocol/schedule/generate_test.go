package schedule

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// generator makes random plans that collide: few instants, met again and again,
// and one millisecond beside them.
type generator struct {
	rng  *rand.Rand
	zone *refZone
	day  time.Time // midnight of the plan's first local date, as if in UTC
	pool []int64
}

// generateZones returns zones with a date near something that clocks do there.
func generateZones() []struct{ zone, day string } {
	return []struct{ zone, day string }{
		{"Asia/Ho_Chi_Minh", "2026-12-01"},
		{"Asia/Ho_Chi_Minh", "2026-02-27"},
		{"UTC", "2026-12-30"},
		{"Europe/Berlin", "2026-03-28"},
		{"Europe/Berlin", "2026-10-24"},
		{"America/New_York", "2026-10-31"},
		{"Australia/Lord_Howe", "2026-04-04"},
		{"Australia/Lord_Howe", "2026-10-03"},
		{"Pacific/Apia", "2011-12-29"},
		{"America/Sao_Paulo", "2018-11-03"}, // midnight itself is skipped
	}
}

func pick[T any](g *generator, from ...T) T { return from[g.rng.IntN(len(from))] }

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func (g *generator) stamp(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// local returns a local time of one of the plan's days.
func (g *generator) local() string {
	d := g.day.AddDate(0, 0, pick(g, 0, 0, 0, 0, 1, 1, 2))
	return d.Format("2006-01-02T") + g.clock()
}

func (g *generator) clock() string {
	if g.chance(8) {
		return pick(g, "02:00:00", "02:30:00", "00:00:00", "00:30:00", "23:59:59", "01:30:00", "03:00:00")
	}
	return pick(g, "05:00:00", "05:00:00", "05:00:30", "05:01:00", "05:01:00", "05:02:01", "05:05:00", "05:10:00", "04:58:00", "21:25:00", "21:30:00")
}

func (g *generator) rule() string {
	day := pick(g, "MO", "TU", "WE", "TH", "FR", "SA", "SU")
	rules := []string{
		"FREQ=DAILY", "FREQ=DAILY", "FREQ=DAILY;INTERVAL=2", "FREQ=DAILY;COUNT=2", "FREQ=DAILY;COUNT=3;BYDAY=MO,TU,WE,SA,SU",
		"FREQ=WEEKLY;BYDAY=" + day, "FREQ=WEEKLY;BYDAY=SA,SU,MO,TU", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=-1,1,2",
		"FREQ=MONTHLY;BYDAY=1" + day + ",-1" + day, "FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=12,3;BYDAY=1TU,-1SU",
		"FREQ=YEARLY;BYDAY=" + day, "FREQ=DAILY;UNTIL=" + g.day.AddDate(0, 0, 1).Format("20060102"),
		"FREQ=DAILY;UNTIL=" + g.day.AddDate(0, 0, 1).Format("20060102T050000"),
		"FREQ=DAILY;UNTIL=" + g.day.AddDate(0, 0, 1).Format("20060102T030000Z"),
	}
	return rules[g.rng.IntN(len(rules))]
}

func (g *generator) near() int64 {
	t := g.pool[g.rng.IntN(len(g.pool))]
	return t + pick(g, int64(0), 0, 0, 0, 1, -1, 1999, 2000, 30000, 60000, 61234, 300000)
}

// plan returns the JSON of a plan with airings and events.
func (g *generator) plan() []byte {
	z := pick(g, generateZones()...)
	g.zone = newRefZone(z.zone)
	g.day, _ = time.Parse("2006-01-02", z.day)
	path := pick(g, []string{"xa"}, []string{"tinh", "xa"}, []string{"tinh", "xa", "thon"})
	midnight := g.zone.resolve(g.day.Format("2006-01-02T") + "00:00:00")
	from := midnight + pick(g, int64(0), 0, 0, 5*3600000, 5*3600000+1, -7200000)
	to := from + pick(g, int64(86400000), 2*86400000, 3*86400000, 5*3600000)
	g.pool = []int64{from, to}
	n := 1 + g.rng.IntN(12)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%c%d", 'a'+rune(g.rng.IntN(3)), i)
	}
	airings := make([]map[string]any, n)
	for i := range airings {
		airings[i] = g.airing(ids[i], ids, path, from)
	}
	events := g.events(ids, path)
	if g.chance(50) { // the order in which airings are listed means nothing
		g.rng.Shuffle(n, func(i, j int) { airings[i], airings[j] = airings[j], airings[i] })
	}
	p := map[string]any{
		"zone": z.zone, "from": g.stamp(from), "to": g.stamp(to), "path": path, "airings": airings, "events": events,
	}
	if g.chance(50) {
		p["quiet_hours"] = g.quiet(path)
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return b
}

func (g *generator) quiet(path []string) []map[string]any {
	out := []map[string]any{}
	for range g.rng.IntN(4) {
		p := pick(g, [2]string{"21:30", "05:00"}, [2]string{"13:00", "14:00"}, [2]string{"22:00", "04:59"}, [2]string{"05:03", "05:08"}, [2]string{"12:00", "13:00"},
			[2]string{"05:00", "05:00"}, [2]string{"23:00", "05:01"}, [2]string{"02:00", "03:00"}, [2]string{"04:00", "05:00"}, [2]string{"00:00", "00:30"})
		out = append(out, map[string]any{"unit": path[g.rng.IntN(len(path))], "start": p[0], "end": p[1]})
	}
	return out
}

func (g *generator) airing(id string, ids, path []string, from int64) map[string]any {
	length := pick(g, int64(1), 1000, 2000, 2001, 30000, 60000, 60000, 180000, 300000, 600000, 3600000)
	start := g.local()
	s := g.zone.resolve(start)
	published := pick(g, from-3600000, from-3600000, from-3600000, from-86400000, from-86400000, from, s-1000, s, s+1, s-60000)
	a := map[string]any{
		"id": id, "unit": path[g.rng.IntN(len(path))], "start": start, "length": length,
		"approved": g.stamp(from - pick(g, int64(1000), 2000)), "published": g.stamp(published),
	}
	if g.chance(25) {
		a["arrives"] = g.stamp(published + pick(g, int64(0), 1, 60000, 600000, 601000, 3600000, 86400000))
		g.pool = append(g.pool, published+60000, published+3600000)
	}
	if g.chance(20) {
		a["replaces"] = pick(g, ids[g.rng.IntN(len(ids))], ids[g.rng.IntN(len(ids))], "nobody")
	}
	g.pool = append(g.pool, s, s+length, published)
	if g.chance(35) {
		return g.emergency(a, ids, s, length)
	}
	a["class"] = pick(g, "normal", "priority")
	lateness := int64(600000)
	if g.chance(70) {
		lateness = pick(g, int64(0), 1, 1000, 60000, 600000, 3600000, 86400000)
		a["lateness"] = lateness
	}
	if g.chance(50) {
		a["rule"] = g.rule()
	}
	if g.chance(15) {
		a["exdates"] = []string{g.local(), start}
	}
	if g.chance(20) {
		a["rdates"] = []string{g.local(), g.local()}
	}
	if g.chance(30) {
		a["order"] = g.rng.IntN(3) - 1
	}
	if g.chance(70) {
		a["after_cut"] = pick(g, "restart", "resume", "resume", "drop")
	}
	if g.chance(40) {
		a["night"] = g.chance(70)
	}
	g.pool = append(g.pool, s+lateness, s+lateness+length)
	return a
}

func (g *generator) emergency(a map[string]any, ids []string, s, length int64) map[string]any {
	a["class"] = "emergency"
	until := s + pick(g, int64(1), length, length+1, 2*length+5, 600000, 3600000, 7200000)
	a["until"] = g.stamp(until)
	if g.chance(40) {
		a["drill"] = g.chance(80)
	}
	if g.chance(70) {
		a["passes"] = 1 + g.rng.IntN(4)
	}
	if g.chance(50) {
		a["every"] = length + pick(g, int64(0), 1, 30000, 120000)
	}
	if g.chance(25) {
		a["supersedes"] = pick(g, ids[g.rng.IntN(len(ids))], ids[g.rng.IntN(len(ids))], "nobody")
	}
	g.pool = append(g.pool, until, until-1)
	return a
}

func (g *generator) events(ids, path []string) []map[string]any {
	n := g.rng.IntN(3) * g.rng.IntN(10)
	at := make([]int64, n)
	for i := range at {
		at[i] = g.near()
		if i > 0 && g.chance(15) {
			at[i] = at[i-1]
		}
	}
	slices.Sort(at)
	out := make([]map[string]any, n)
	for i := range out {
		e := map[string]any{"at": g.stamp(at[i])}
		switch do := pick(g, "off", "on", "on", "on", "mute", "unmute", "unmute", "unmute", "unsure", "sure", "sure", "missing", "there", "there", "withdraw", "stop", "stop"); do {
		case "missing", "there", "withdraw":
			e["do"], e["airing"] = do, ids[g.rng.IntN(len(ids))]
		case "stop":
			e["do"] = do
			if g.chance(30) {
				e["unit"] = path[g.rng.IntN(len(path))]
				break
			}
			e["airing"] = ids[g.rng.IntN(len(ids))]
			if g.chance(50) {
				e["start"] = g.stamp(g.pool[g.rng.IntN(len(g.pool))])
			}
		default:
			e["do"] = do
		}
		out[i] = e
	}
	return out
}
