package schedule

import (
	"sort"
	"strconv"
	"strings"
	"time"
)

// refZone resolves local times by looking at the clock of every minute around;
// the zones it is used with change on whole minutes.
type refZone struct {
	loc   *time.Location
	cache map[string]int64
}

func newRefZone(name string) *refZone {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return &refZone{loc, map[string]int64{}}
}

const refLayout = "2006-01-02T15:04:05"

func (z *refZone) resolve(local string) int64 {
	if ms, ok := z.cache[local]; ok {
		return ms
	}
	wanted, err := time.Parse(refLayout, local)
	if err != nil {
		panic(err)
	}
	offset := func(u int64) int64 {
		_, off := time.Unix(u, 0).In(z.loc).Zone()
		return int64(off)
	}
	answer := int64(0)
	found := false
	u := wanted.Unix() - 30*3600
	u -= u % 60
	minute := wanted.Unix() - wanted.Unix()%60
	seconds := wanted.Unix() - minute
	before := offset(u)
	for end := u + 60*3600; u < end && !found; u += 60 {
		// The wall clock at the whole minute u, and within it.
		off := offset(u)
		if off == before {
			if u+off == minute {
				answer, found = u+seconds, true
			}
			continue
		}
		switch shown, old := u+off, u+before; {
		case shown == minute:
			answer, found = u+seconds, true
		case old <= minute && minute < shown: // skipped
			answer, found = u+minute-old+seconds, true
		}
		before = off
	}
	if !found {
		panic("no instant for " + local + " in " + z.loc.String())
	}
	z.cache[local] = answer * 1000
	return answer * 1000
}

// refStarts lists all starts before to, day by day.
func refStarts(z *refZone, start, rule string, exdates, rdates []string, to int64) []int64 {
	set := map[int64]bool{}
	if rule == "" {
		set[z.resolve(start)] = true
	} else {
		for _, s := range refRule(z, start, rule, to) {
			set[s] = true
		}
	}
	for _, r := range rdates {
		set[z.resolve(r)] = true
	}
	for _, x := range exdates {
		delete(set, z.resolve(x))
	}
	var out []int64
	for s := range set {
		if s < to {
			out = append(out, s)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

func refRule(z *refZone, start, rule string, to int64) []int64 {
	parts := map[string]string{}
	for _, p := range strings.Split(rule, ";") {
		k, v, _ := strings.Cut(p, "=")
		parts[k] = v
	}
	list := func(k string) []string {
		if parts[k] == "" {
			return nil
		}
		return strings.Split(parts[k], ",")
	}
	number := func(k string, otherwise int) int {
		if n, err := strconv.Atoi(parts[k]); err == nil {
			return n
		}
		return otherwise
	}
	begin, _ := time.Parse(refLayout, start)
	first := time.Date(begin.Year(), begin.Month(), begin.Day(), 0, 0, 0, 0, time.UTC)
	interval, count := number("INTERVAL", 1), number("COUNT", 1<<30)
	names := []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}
	wkst := 1
	for i, n := range names {
		if n == parts["WKST"] {
			wkst = i
		}
	}
	weekOf := func(d time.Time) time.Time { return d.AddDate(0, 0, -(int(d.Weekday())-wkst+7)%7) }
	anyOf := func(k string, test func(string) bool) bool {
		for _, v := range list(k) {
			if test(v) {
				return true
			}
		}
		return false
	}
	var out []int64
	limit := time.UnixMilli(to).UTC().AddDate(0, 0, 3)
	for d := first; d.Before(limit) && count > 0; d = d.AddDate(0, 0, 1) {
		days := int(d.Sub(first).Hours() / 24)
		months := (d.Year()-first.Year())*12 + int(d.Month()) - int(first.Month())
		inMonth := time.Date(d.Year(), d.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		yes := false
		switch parts["FREQ"] {
		case "DAILY":
			yes = days%interval == 0
		case "WEEKLY":
			weeks := int(weekOf(d).Sub(weekOf(first)).Hours() / 24 / 7)
			yes = weeks%interval == 0 && (list("BYDAY") != nil || d.Weekday() == first.Weekday())
		case "MONTHLY":
			yes = months%interval == 0 && (list("BYDAY") != nil || list("BYMONTHDAY") != nil || d.Day() == first.Day())
		case "YEARLY":
			yes = (d.Year()-first.Year())%interval == 0
			if list("BYDAY") == nil && list("BYMONTHDAY") == nil {
				yes = yes && d.Day() == first.Day() && (list("BYMONTH") != nil || d.Month() == first.Month())
			}
		}
		yes = yes && (list("BYMONTH") == nil || anyOf("BYMONTH", func(v string) bool {
			n, _ := strconv.Atoi(v)
			return n == int(d.Month())
		}))
		yes = yes && (list("BYMONTHDAY") == nil || anyOf("BYMONTHDAY", func(v string) bool {
			n, _ := strconv.Atoi(v)
			return n == d.Day() || n == d.Day()-inMonth-1
		}))
		yes = yes && (list("BYDAY") == nil || anyOf("BYDAY", func(v string) bool {
			if v[len(v)-2:] != names[d.Weekday()] {
				return false
			}
			if len(v) == 2 {
				return true
			}
			n, _ := strconv.Atoi(v[:len(v)-2])
			return n == (d.Day()-1)/7+1 || n == -((inMonth-d.Day())/7+1)
		}))
		if !yes {
			continue
		}
		count--
		local := d.Format("2006-01-02T") + start[11:]
		ms := z.resolve(local)
		if u := parts["UNTIL"]; u != "" {
			bare := strings.NewReplacer("-", "", ":", "").Replace(local)
			switch {
			case len(u) == 8 && bare[:8] > u,
				len(u) == 15 && bare > u:
				return out
			case len(u) == 16:
				if x, _ := time.Parse("20060102T150405Z", u); ms > x.UnixMilli() {
					return out
				}
			}
		}
		if ms >= to+86400000 {
			break
		}
		out = append(out, ms)
	}
	return out
}
