package programme

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page/lunar"
	"github.com/loa-vn/loa/protocol/schedule"
)

// Slot is the time that a programme may fill: from each start for so many
// minutes of the same local day.
type Slot struct {
	Start   string   `json:"start"`   // local time of the first, "2006-01-02T15:04:05"
	Minutes int      `json:"minutes"` // 1 to 240
	Rule    string   `json:"rule,omitempty"`
	ExDates []string `json:"exdates,omitempty"` // starts left out
	RDates  []string `json:"rdates,omitempty"`  // starts more
	// LastDay ends a rule that has no end of its own; "" means 31 days.
	LastDay protocol.Date `json:"last_day,omitempty"`
	// Lunar adds these days of every lunar month, up to the last day.
	Lunar []int `json:"lunar,omitempty"`
	// SkipHolidays leaves out public holidays.
	SkipHolidays bool `json:"skip_holidays,omitempty"`
}

const (
	openEnd  = 31 // days of a rule without an end
	maxDates = protocol.MaxDates
	local    = "2006-01-02T15:04:05"
)

// Length returns how long the slot is.
func (s Slot) Length() time.Duration { return time.Duration(s.Minutes) * time.Minute }

// check refuses a slot that no schedule can hold.
func (s Slot) check() error {
	bad := func(field, vi, en string) error {
		return problem.New(problem.ErrInvalid, "slot", "slot."+field, vi, en)
	}
	start, err := time.Parse(local, s.Start)
	switch {
	case err != nil:
		return bad("start", "Giờ bắt đầu khung giờ không đúng. Hãy chọn lại ngày và giờ.", "The slot's start is not a date and time. Choose it again.")
	case s.Minutes < 1 || s.Minutes > 240:
		return bad("minutes", "Khung giờ phải dài từ 1 đến 240 phút.", "A slot lasts 1 to 240 minutes.")
	case protocol.DateOf(start) != protocol.DateOf(start.Add(s.Length()-time.Millisecond)):
		return bad("minutes", "Khung giờ không được qua nửa đêm. Hãy rút ngắn hoặc bắt đầu sớm hơn.", "A slot may not pass midnight. Shorten it or start earlier.")
	case s.LastDay != "" && !s.LastDay.Valid():
		return bad("last_day", "Ngày cuối không đúng. Hãy chọn lại.", "The last day is not a date. Choose it again.")
	case s.end(start).After(start.AddDate(0, 0, maxStarts-1)):
		return bad("last_day", "Ngày cuối quá xa. Hãy chọn ngày trong vòng 1.000 ngày kể từ ngày bắt đầu.", "The last day is too far off. Choose one within 1,000 days of the start.")
	case slices.ContainsFunc(s.Lunar, func(d int) bool { return d < 1 || d > 30 }):
		return bad("lunar", "Ngày âm lịch phải từ 1 đến 30.", "A day of the lunar month is 1 to 30.")
	}
	for field, dates := range map[string][]string{"exdates": s.ExDates, "rdates": s.RDates} {
		for _, d := range dates {
			t, err := time.Parse(local, d)
			if err != nil || t.Format(time.TimeOnly) != start.Format(time.TimeOnly) {
				return bad(field, "Các ngày thêm hoặc bỏ phải cùng giờ với khung giờ. Hãy sửa lại.", "Dates more and dates left out are at the slot's time of day. Mend them.")
			}
		}
	}
	if s.Rule != "" {
		if _, err := schedule.ParseRule(s.Rule); err != nil {
			return problem.New(problem.ErrInvalid, "rule", "slot.rule", "Quy tắc lặp có phần không dùng được. Hãy chọn lặp theo ngày, tuần, tháng hoặc năm.",
				"The rule has a part that cannot be used. Repeat by day, week, month or year.").Because(err)
		}
	}
	spelled := s.spelled()
	if len(spelled.ExDates) > maxDates || len(spelled.RDates) > maxDates {
		return bad("last_day", "Khung giờ có quá nhiều ngày thêm hoặc bỏ. Hãy chọn ngày cuối sớm hơn.", "The slot has too many dates more or left out. Choose an earlier last day.")
	}
	return nil
}

// end is the last local day on which the slot can start.
func (s Slot) end(start time.Time) time.Time {
	if t, err := time.Parse(time.DateOnly, string(s.LastDay)); err == nil {
		return t
	}
	return start.AddDate(0, 0, openEnd).Truncate(24 * time.Hour)
}

// spelled returns the slot with holidays and lunar days as dates, and its rule
// with an end.
func (s Slot) spelled() Slot {
	start, err := time.Parse(local, s.Start)
	if err != nil {
		return s
	}
	last := s.end(start)
	out := s
	out.ExDates, out.RDates = slices.Clone(s.ExDates), slices.Clone(s.RDates)
	clock := start.Format("T" + time.TimeOnly)
	for day := start.Truncate(24 * time.Hour); !day.After(last); day = day.AddDate(0, 0, 1) {
		at := day.Format(time.DateOnly) + clock
		l, err := lunar.Of(day.Date())
		if err == nil && slices.Contains(s.Lunar, l.Day) && !slices.Contains(out.RDates, at) {
			out.RDates = append(out.RDates, at)
		}
		if s.SkipHolidays && Holiday(protocol.DateOf(day)) != (Sentence{}) && !slices.Contains(out.ExDates, at) {
			out.ExDates = append(out.ExDates, at)
		}
	}
	if s.Rule != "" && approval.Endless(s.Rule) {
		out.Rule = until(s.Rule, last)
	}
	out.Lunar, out.SkipHolidays = nil, false
	return out
}

// until ends a rule with a day, and not otherwise.
func until(rule string, last time.Time) string {
	parts := slices.DeleteFunc(strings.Split(rule, ";"), func(p string) bool { return !approval.Endless(p) })
	return strings.Join(append(parts, "UNTIL="+last.Format("20060102")+"T235959"), ";")
}

// after returns a spelled slot that starts so much later within its days.
func (s Slot) after(d time.Duration) Slot {
	shift := func(text string) string {
		t, err := time.Parse(local, text)
		if err != nil {
			return text
		}
		return t.Add(d).Format(local)
	}
	s.Start = shift(s.Start)
	s.ExDates, s.RDates = slices.Clone(s.ExDates), slices.Clone(s.RDates)
	for _, dates := range [][]string{s.ExDates, s.RDates} {
		for i := range dates {
			dates[i] = shift(dates[i])
		}
	}
	parts := strings.Split(s.Rule, ";")
	for i, p := range parts {
		name, value, _ := strings.Cut(p, "=")
		for _, form := range []string{"20060102T150405", "20060102T150405Z"} {
			if t, err := time.Parse(form, value); err == nil && strings.EqualFold(name, "UNTIL") {
				// The end of a day stays one, whatever starts within it.
				if t.Format("150405") != "235959" {
					parts[i] = name + "=" + t.Add(d).Format(form)
				}
			}
		}
	}
	s.Rule = strings.Join(parts, ";")
	return s
}

// Starts returns the slot's starts from one instant to another; a zero end is open.
func (s Slot) Starts(zone *time.Location, from, to time.Time) ([]time.Time, error) {
	s = s.spelled()
	r, err := schedule.RecurrenceOf(protocol.Airing{Start: s.Start, Rule: s.Rule, ExDates: s.ExDates, RDates: s.RDates})
	if err != nil {
		return nil, fmt.Errorf("slot: %w", err)
	}
	var out []time.Time
	for t := range schedule.Expand(r, zone, from, to) {
		if out = append(out, t); len(out) >= maxStarts {
			break
		}
	}
	return out, nil
}

// maxStarts bounds what is looked at of a slot: more than a year of every day.
const maxStarts = 1000

// Holiday returns the name of a public holiday, empty for any other day: the
// feasts of Article 112 of the Labour Code, with Tết from the eve to the third.
func Holiday(day protocol.Date) Sentence {
	t, err := time.Parse(time.DateOnly, string(day))
	if err != nil {
		return Sentence{}
	}
	switch t.Format("01-02") {
	case "01-01":
		return Sentence{"Tết Dương lịch", "New Year"}
	case "04-30":
		return Sentence{"Ngày Chiến thắng 30/4", "Reunification Day"}
	case "05-01":
		return Sentence{"Ngày Quốc tế lao động", "Labour Day"}
	case "09-02":
		return Sentence{"Quốc khánh", "National Day"}
	}
	tomorrow, err := lunar.Of(t.AddDate(0, 0, 1).Date())
	if err != nil {
		return Sentence{}
	}
	today, err := lunar.Of(t.Date())
	switch {
	case err != nil:
		return Sentence{}
	case tomorrow.Month == 1 && tomorrow.Day == 1 && !tomorrow.Leap, today.Month == 1 && today.Day <= 3 && !today.Leap:
		return Sentence{"Tết Nguyên đán", "Lunar New Year"}
	case today.Month == 3 && today.Day == 10 && !today.Leap:
		return Sentence{"Giỗ Tổ Hùng Vương", "Hùng Kings' Day"}
	}
	return Sentence{}
}
