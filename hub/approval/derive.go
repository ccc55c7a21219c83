package approval

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// openEnd is how long an approval of an endless rule lasts by default, and
// nowSpan how long one for "now" waits for its last signature.
const (
	openEnd = 31
	nowSpan = 1
)

// programmePlays is how often a day a device may play what programmes use, unless
// its author says otherwise: a chime opens every slot.
const programmePlays = 4

// maxStarts bounds what is looked at of a rule.
const maxStarts = 5000

// Recurrence reads the starts that a wish asks for. The error names the field.
func Recurrence(w bulletin.Wish) (schedule.Recurrence, error) {
	var r schedule.Recurrence
	var err error
	if r.Start, err = schedule.ParseLocalTime(w.Start); err != nil {
		return r, problem.New(problem.ErrInvalid, "start", "wish.start", "Giờ phát không đúng. Hãy chọn lại ngày và giờ.", "The start is not a date and time. Choose it again.").Because(err)
	}
	if w.When == bulletin.Rule {
		rule, err := schedule.ParseRule(w.Rule)
		if err != nil {
			return r, ruleProblem(err)
		}
		r.Rule = &rule
	}
	for field, list := range map[string]struct {
		in  []string
		out *[]schedule.LocalTime
	}{"wish.exdates": {w.ExDates, &r.ExDates}, "wish.rdates": {w.RDates, &r.RDates}} {
		for _, s := range list.in {
			t, err := schedule.ParseLocalTime(s)
			if err != nil {
				return r, problem.New(problem.ErrInvalid, "date", field, "Ngày giờ trong danh sách không đúng. Hãy chọn lại.", "A date in the list is not a date and time. Choose it again.").Because(err)
			}
			*list.out = append(*list.out, t)
		}
	}
	return r, nil
}

// ruleProblem names the part of a rule that is outside the subset.
func ruleProblem(err error) error {
	part := "RRULE"
	var re *schedule.RuleError
	if errors.As(err, &re) {
		part = re.Part
	}
	return problem.New(problem.ErrInvalid, "rule", "wish.rule",
		"Quy tắc lặp có phần không dùng được: "+part+". Hãy chọn lặp theo ngày, tuần, tháng hoặc năm.",
		"The rule has a part that cannot be used: "+part+". Repeat by day, week, month or year.").Because(err)
}

// span is what a wish's starts amount to.
type span struct {
	first, last protocol.Date
	perDay      int
}

// starts works out the local days and the most plays on one of them. It refuses
// starts in the past and rules without any start.
func starts(w bulletin.Wish, zone *time.Location, now time.Time) (span, error) {
	today := protocol.DateOf(now.In(zone))
	if w.When == bulletin.Now {
		return span{first: today, last: addDays(today, nowSpan), perDay: 1}, nil
	}
	if w.When == bulletin.InProgrammes {
		if !w.LastDay.Valid() || w.LastDay < today {
			return span{}, problem.New(problem.ErrInvalid, "last-day", "wish.last_day", "Hãy chọn ngày cuối được dùng trong chương trình.", "Choose the last day on which programmes may use it.")
		}
		return span{first: today, last: w.LastDay, perDay: programmePlays}, nil
	}
	r, err := Recurrence(w)
	if err != nil {
		return span{}, err
	}
	end := time.Time{}
	if w.LastDay != "" {
		if !w.LastDay.Valid() {
			return span{}, problem.New(problem.ErrInvalid, "last-day", "wish.last_day", "Ngày cuối không đúng. Hãy chọn lại.", "The last day is not a date. Choose it again.")
		}
		end = dayStart(addDays(w.LastDay, 1), zone)
	} else if r.Rule != nil && Endless(w.Rule) {
		end = dayStart(addDays(max(today, protocol.DateOf(r.Start.In(zone))), openEnd), zone)
	}
	var s span
	count := map[protocol.Date]int{}
	n := 0
	for t := range schedule.Expand(r, zone, now, end) {
		d := protocol.DateOf(t.In(zone))
		if s.first == "" {
			s.first = d
		}
		s.last = d
		count[d]++
		s.perDay = max(s.perDay, count[d])
		if n++; n >= maxStarts {
			break
		}
	}
	if n == 0 {
		return span{}, problem.New(problem.ErrInvalid, "in-the-past", "wish.start", "Giờ phát đã qua. Hãy chọn giờ sau lúc này.", "The start is in the past. Choose a later time.")
	}
	return s, nil
}

// Endless says that a rule names neither COUNT nor UNTIL.
func Endless(rule string) bool {
	rule = strings.ToUpper(rule)
	return !strings.Contains(rule, "COUNT=") && !strings.Contains(rule, "UNTIL=")
}

func addDays(d protocol.Date, n int) protocol.Date {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return d
	}
	return protocol.DateOf(t.AddDate(0, 0, n))
}

func dayStart(d protocol.Date, zone *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Derive returns the statement that approvers of a bulletin with a wish sign.
// now is when it is put before them. Errors are problems that name the field.
func Derive(b bulletin.Bulletin, digest protocol.Digest, w bulletin.Wish, zone *time.Location, now time.Time) (protocol.Statement, error) {
	refuse := func(code, field, vi, en string) (protocol.Statement, error) {
		return protocol.Statement{}, problem.New(problem.ErrInvalid, code, field, vi, en)
	}
	emergency := b.Class == protocol.ClassEmergency
	switch {
	case len(w.Units) == 0:
		return refuse("no-units", "wish.units", "Chưa chọn nơi phát. Hãy chọn ít nhất một thôn hoặc cả xã.", "No unit is chosen. Choose at least one village or the whole commune.")
	case w.When != bulletin.Now && w.When != bulletin.At && w.When != bulletin.Rule && w.When != bulletin.InProgrammes:
		return refuse("when", "wish.when", "Hãy chọn phát ngay, phát vào một giờ, phát lặp lại, hoặc dùng trong chương trình.", "Choose now, at a time, by a rule, or in programmes.")
	case w.Night && w.NightReason == "":
		return refuse("night-reason", "wish.night_reason", "Phát trong giờ yên tĩnh cần có lý do. Hãy ghi lý do.", "Airing in quiet hours needs a reason. Write it.")
	case !w.Night && w.NightReason != "", utf8.RuneCountInString(w.NightReason) > 500:
		return refuse("night-reason", "wish.night_reason", "Lý do chỉ dùng cho phát đêm, dài nhất 500 ký tự. Hãy sửa lại.", "A reason belongs to night permission and has at most 500 characters. Mend it.")
	case emergency && (w.When == bulletin.Rule || w.When == bulletin.InProgrammes), emergency && w.Night:
		return refuse("emergency-rule", "wish.when", "Bản tin khẩn cấp chỉ phát ngay hoặc vào một giờ, và không cần phép phát đêm. Hãy chọn lại.", "An emergency is aired now or at a time, and needs no night permission. Choose again.")
	case w.Drill && !emergency:
		return refuse("drill", "wish.drill", "Chỉ bản tin khẩn cấp mới có diễn tập. Hãy bỏ chọn diễn tập.", "Only an emergency can be a drill. Leave that out.")
	case w.Drill != b.Options.Drill:
		return refuse("drill", "wish.drill", "Bản tin soạn cho diễn tập chỉ phát được như diễn tập, và ngược lại. Hãy soạn bản tin riêng.", "A bulletin made for a drill can only be aired as one, and the other way round. Write another one.")
	case w.Volume < 0 || w.Volume > 100:
		return refuse("volume", "wish.volume", "Âm lượng phải từ 1 đến 100.", "The volume must be 1 to 100.")
	case w.LatenessOrDefault() < 0 || w.LatenessOrDefault() > protocol.MaxLateness:
		return refuse("lateness", "wish.lateness", "Thời gian phát trễ phải từ 0 đến 7 ngày.", "The lateness must be 0 to 7 days.")
	case w.Passes < 0 || w.Passes > 100 || w.Every < 0 || w.Validity < 0 || w.Validity > 24*60:
		return refuse("emergency", "wish.passes", "Số lần phát, khoảng cách hoặc thời hạn của bản tin khẩn cấp không đúng. Hãy chọn lại.", "The emergency's passes, distance or validity is out of range. Choose again.")
	case w.PlaysPerDay < 0 || w.PlaysPerDay > 1440:
		return refuse("plays-per-day", "wish.plays_per_day", "Số lần phát một ngày phải từ 1 đến 1440.", "The plays a day must be 1 to 1440.")
	}
	if emergency && b.Rendition != nil && b.Rendition.Length() > protocol.MaxPass {
		return refuse("emergency-too-long", "text", "Bản tin khẩn cấp dài nhất 120 giây. Hãy rút gọn.", "An emergency lasts at most 120 seconds. Shorten it.")
	}
	sp, err := starts(w, zone, now)
	if err != nil {
		return protocol.Statement{}, err
	}
	perDay := sp.perDay
	if emergency {
		perDay = max(perDay, w.PassesOrDefault())
	}
	if w.PlaysPerDay > 0 {
		perDay = w.PlaysPerDay
	}
	last := sp.last
	if w.LastDay.Valid() && w.LastDay > last {
		last = w.LastDay
	}
	units := slices.Clone(w.Units)
	slices.Sort(units)
	return protocol.Statement{
		Version: protocol.Version, Bulletin: digest, Class: b.Class, Units: slices.Compact(units),
		FirstDay: sp.first, LastDay: last, PlaysPerDay: uint64(perDay),
		Night: w.Night, NightReason: w.NightReason, Drill: w.Drill, At: protocol.InstantOf(now),
	}, nil
}
