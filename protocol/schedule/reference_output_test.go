package schedule

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// quietPeriods lists the device's quiet periods over a stretch of days.
func (w *refWorld) quietPeriods(from, to int64) [][2]int64 {
	type period struct{ start, end int }
	minutes := func(s string) int {
		var h, m int
		if _, err := fmt.Sscanf(s, "%d:%d", &h, &m); err != nil {
			panic(err)
		}
		return h*60 + m
	}
	inside := func(p period, minute int) bool {
		if p.end <= p.start {
			return minute >= p.start || minute < p.end
		}
		return p.start <= minute && minute < p.end
	}
	var mine []period
	nearest := -1
	for d := len(w.plan.Path) - 1; d >= 0 && nearest < 0; d-- {
		for _, q := range w.plan.QuietHours {
			if q.Unit == w.plan.Path[d] {
				nearest = d
				mine = append(mine, period{minutes(q.Start), minutes(q.End)})
			}
		}
	}
	all := mine
	for d := range max(nearest, 0) {
		for _, q := range w.plan.QuietHours {
			p := period{minutes(q.Start), minutes(q.End)}
			common := false
			for m := range 1440 {
				for _, n := range mine {
					common = common || inside(p, m) && inside(n, m)
				}
			}
			if q.Unit == w.plan.Path[d] && common {
				all = append(all, p)
			}
		}
	}
	if nearest < 0 {
		all = []period{{21*60 + 30, 5 * 60}}
	}
	var out [][2]int64
	for t := time.UnixMilli(from).UTC(); t.UnixMilli() < to; t = t.AddDate(0, 0, 1) {
		for _, p := range all {
			day := t
			local := func(d time.Time, minute int) string {
				return d.Format("2006-01-02T") + fmt.Sprintf("%02d:%02d:00", minute/60, minute%60)
			}
			endDay := day
			if p.end <= p.start {
				endDay = day.AddDate(0, 0, 1)
			}
			a, b := w.zone.resolve(local(day, p.start)), w.zone.resolve(local(endDay, p.end))
			if a < b {
				out = append(out, [2]int64{a, b})
			}
		}
	}
	return out
}

func (w *refWorld) print() []string {
	sort.SliceStable(w.occs, func(i, j int) bool {
		if w.occs[i].s != w.occs[j].s {
			return w.occs[i].s < w.occs[j].s
		}
		return w.occs[i].a.ID < w.occs[j].a.ID
	})
	stamp := func(ms int64) string {
		return time.UnixMilli(ms).In(w.zone.loc).Format("2006-01-02T15:04:05.000-07:00")
	}
	var lines []string
	for _, o := range w.occs {
		if o.gone {
			continue
		}
		var plays []string
		for _, p := range o.plays {
			plays = append(plays, fmt.Sprintf("[%q,%q]", stamp(p[0]), stamp(p[1])))
		}
		lines = append(lines, fmt.Sprintf(`{"airing":%q,"start":%q,"outcome":%q,"reason":%q,"plays":[%s]}`,
			o.a.ID, stamp(o.s), o.outcome, o.reason, strings.Join(plays, ",")))
	}
	return lines
}

func refFirst(a, b *refOcc) bool {
	rank := map[string]int{"priority": 0, "normal": 1}
	x := []int64{int64(a.a.depth), int64(rank[a.a.Class]), a.s, a.a.Order, a.a.approved}
	y := []int64{int64(b.a.depth), int64(rank[b.a.Class]), b.s, b.a.Order, b.a.approved}
	for i := range x {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return a.a.ID < b.a.ID
}

func refPassFirst(a, b *refOcc) bool {
	switch {
	case a.a.Drill != b.a.Drill:
		return b.a.Drill
	case a.whole != b.whole:
		return a.whole < b.whole
	case a.everSounded != b.everSounded:
		return !a.everSounded
	case a.everSounded && a.lastEnded != b.lastEnded:
		return a.lastEnded < b.lastEnded
	case a.a.depth != b.a.depth:
		return a.a.depth < b.a.depth
	case a.s != b.s:
		return a.s > b.s
	}
	return a.a.ID < b.a.ID
}
