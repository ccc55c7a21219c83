package schedule

import "time"

// ExpandText is `loa-hub schedule expand`: the first count starts as RFC 3339
// with a numeric offset, "+00:00" for zero. start, exdates and rdates are local
// times; rule is the text of an RRULE without its name, "" for none. Its error
// is a *RuleError for the rule, a *FieldError for the rest.
func ExpandText(zone, start, rule string, exdates, rdates []string, count int) ([]string, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return nil, refuse("zone", "not a zone such as Asia/Ho_Chi_Minh")
	}
	if count < 0 {
		return nil, refuse("count", "under 0")
	}
	var r Recurrence
	if r.Start, err = ParseLocalTime(start); err != nil {
		return nil, refuse("start", "not a local time such as 2026-12-01T05:00:00")
	}
	if rule != "" {
		parsed, err := ParseRule(rule)
		if err != nil {
			return nil, err
		}
		r.Rule = &parsed
	}
	if r.ExDates, err = parseLocals("exdate", exdates); err != nil {
		return nil, err
	}
	if r.RDates, err = parseLocals("rdate", rdates); err != nil {
		return nil, err
	}
	var out []string
	for t := range Expand(r, loc, time.UnixMilli(minInstant/1000), time.Time{}) {
		if len(out) >= count {
			break
		}
		out = append(out, t.Format("2006-01-02T15:04:05-07:00"))
	}
	return out, nil
}

func parseLocals(field string, texts []string) ([]LocalTime, error) {
	out := make([]LocalTime, len(texts))
	for i, s := range texts {
		l, err := ParseLocalTime(s)
		if err != nil {
			return nil, refuse(field, "not a local time such as 2026-12-01T05:00:00")
		}
		out[i] = l
	}
	return out, nil
}
