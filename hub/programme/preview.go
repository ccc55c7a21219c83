package programme

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// Sentence is a text in both languages.
type Sentence struct{ Vi, En string }

// Preview is what an airing will do, before anybody signs it.
type Preview struct {
	Sentence
	Devices, Speakers, Boards, Villages int
	People                              uint64
	Starts                              []time.Time // the first ten
	Warnings                            []Sentence
	// Quiet says that a start lies in quiet hours without permission.
	Quiet bool
}

const previewStarts = 10

// Preview works out what a wish would do: which devices, where, when. It refuses
// what submitting would refuse of the wish itself.
func (s *Service) Preview(ctx context.Context, a account.Actor, b bulletin.Bulletin, w bulletin.Wish) (Preview, error) {
	now := s.now()
	if _, err := approval.Derive(b, b.Digest, w, s.zone, now); err != nil && b.State == bulletin.Ready {
		return Preview{}, err
	}
	tree, err := s.registry.Tree(ctx)
	if err != nil {
		return Preview{}, err
	}
	all, err := s.registry.Devices(ctx)
	if err != nil {
		return Preview{}, err
	}
	var p Preview
	villages := map[protocol.UnitID]bool{}
	devices := registry.Targets(all, w.Units)
	for _, d := range devices {
		sound := b.Options.Wanted && d.Sound
		board := b.Board != "" && d.Board != nil
		if !sound && !board {
			continue
		}
		p.Devices++
		if sound {
			p.Speakers++
		}
		if board {
			p.Boards++
		}
		for _, v := range d.Placement.Serves {
			villages[v.Village] = true
		}
	}
	p.Villages = len(villages)
	for v := range villages {
		if u, ok := tree.Unit(v); ok {
			p.People += uint64(u.People)
		}
	}
	if p.Starts, err = s.starts(w, now); err != nil {
		return Preview{}, err
	}
	p.Sentence = consequence(p, b, w, s.zone, now)
	if b.Class != protocol.ClassEmergency && !w.Night {
		if p.Quiet, err = s.quiet(ctx, b, p.Starts, devices); err != nil {
			return Preview{}, err
		}
	}
	p.Warnings = warnings(p, devices)
	met, err := s.clash(ctx, b, w, p.Starts, devices)
	if err != nil {
		return Preview{}, err
	}
	p.Warnings = append(p.Warnings, met.sentences()...)
	return p, nil
}

// starts lists the first starts of a wish.
func (s *Service) starts(w bulletin.Wish, now time.Time) ([]time.Time, error) {
	if w.When == bulletin.Now {
		return []time.Time{now.Add(Lead).In(s.zone)}, nil
	}
	if w.When == bulletin.InProgrammes {
		return nil, nil
	}
	r, err := approval.Recurrence(w)
	if err != nil {
		return nil, err
	}
	var out []time.Time
	for t := range schedule.Expand(r, s.zone, now, time.Time{}) {
		if out = append(out, t); len(out) == previewStarts {
			break
		}
	}
	return out, nil
}

// consequence is the sentence of consequence.
func consequence(p Preview, b bulletin.Bulletin, w bulletin.Wish, zone *time.Location, now time.Time) Sentence {
	var vi, en []string
	if p.Speakers > 0 {
		vi, en = append(vi, fmt.Sprintf("%d loa", p.Speakers)), append(en, several(p.Speakers, "loudspeaker"))
	}
	if p.Boards > 0 {
		vi, en = append(vi, fmt.Sprintf("%d bảng", p.Boards)), append(en, several(p.Boards, "board"))
	}
	if len(vi) == 0 {
		return Sentence{"Không có loa hay bảng nào ở nơi đã chọn.", "There is no loudspeaker or board there."}
	}
	verbVi, verbEn := "Sẽ phát trên", "Will be aired on"
	switch {
	case w.Drill:
		verbVi, verbEn = "DIỄN TẬP sẽ phát trên", "A DRILL will be aired on"
	case b.Class == protocol.ClassEmergency:
		verbVi, verbEn = "KHẨN CẤP: sẽ phát trên", "EMERGENCY: will be aired on"
	}
	whenVi, whenEn := moment(p, w, zone, now)
	return Sentence{
		fmt.Sprintf("%s %s ở %d thôn %s.", verbVi, strings.Join(vi, " và "), p.Villages, whenVi),
		fmt.Sprintf("%s %s in %s %s.", verbEn, strings.Join(en, " and "), several(p.Villages, "village"), whenEn),
	}
}

// several is a number of things in English: "1 board", "2 boards".
func several(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// moment says when, with the weekday in words and how long until then.
func moment(p Preview, w bulletin.Wish, zone *time.Location, now time.Time) (vi, en string) {
	if w.When == bulletin.InProgrammes {
		return "trong các chương trình dùng bản tin này", "in the programmes that use it"
	}
	if w.When == bulletin.Now || len(p.Starts) == 0 {
		return "ngay khi được duyệt", "as soon as it is approved"
	}
	t := p.Starts[0].In(zone)
	dayVi, dayEn := day(t, now.In(zone))
	vi = fmt.Sprintf("lúc %s %s, còn %s nữa", t.Format("15:04"), dayVi, leftVi(t.Sub(now)))
	en = fmt.Sprintf("at %s %s, in %s", t.Format("15:04"), dayEn, leftEn(t.Sub(now)))
	if w.When == bulletin.Rule && len(p.Starts) > 1 {
		vi, en = vi+", rồi lặp lại", en+", then again"
	}
	return vi, en
}

func day(t, now time.Time) (vi, en string) {
	days := []string{"Chủ nhật", "thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy"}
	name := days[t.Weekday()]
	switch protocol.DateOf(t) {
	case protocol.DateOf(now):
		return "hôm nay (" + name + ")", "today (" + t.Weekday().String() + ")"
	case protocol.DateOf(now.AddDate(0, 0, 1)):
		return "ngày mai (" + name + ")", "tomorrow (" + t.Weekday().String() + ")"
	}
	return name + " " + t.Format("02/01"), t.Weekday().String() + " " + t.Format("2 January")
}

func leftVi(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "chưa đầy 1 phút"
	case d < time.Hour:
		return fmt.Sprintf("%d phút", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d giờ", int(d.Hours()))
	}
	return fmt.Sprintf("%d ngày", int(d.Hours()/24))
}

func leftEn(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// warnings say what the rules will do with it: quiet hours, and devices without
// its medium.
func warnings(p Preview, devices []registry.Device) []Sentence {
	var out []Sentence
	if p.Quiet {
		out = append(out, Sentence{
			"Có lần phát rơi vào giờ yên tĩnh: loa sẽ không phát lần đó. Hãy đổi giờ, hoặc xin phép phát đêm kèm lý do.",
			"A start lies in quiet hours: the devices will skip it. Choose another time, or ask for night permission with a reason.",
		})
	}
	if left := len(devices) - p.Devices; left > 0 {
		out = append(out, Sentence{
			fmt.Sprintf("%d thiết bị ở đó không phát được loại bản tin này.", left),
			fmt.Sprintf("%d devices there cannot carry this kind of bulletin.", left),
		})
	}
	return out
}

// quiet says whether one of the starts falls into quiet hours of one of the
// devices.
func (s *Service) quiet(ctx context.Context, b bulletin.Bulletin, starts []time.Time, devices []registry.Device) (bool, error) {
	length := time.Second
	if b.Rendition != nil {
		length = b.Rendition.Length()
	}
	done := map[string]bool{}
	for _, d := range devices {
		key := fmt.Sprint(d.Placement.Path)
		if done[key] {
			continue
		}
		done[key] = true
		periods, err := s.periods(ctx, d.Placement.Path)
		if err != nil {
			return false, err
		}
		hours := schedule.NewQuiet(s.zone, d.Placement.Path, periods)
		if slices.ContainsFunc(starts, func(t time.Time) bool { return !hours.Allowed(t, length) }) {
			return true, nil
		}
	}
	return false, nil
}

// Around returns the airing's next start after an instant, zero for none, and
// whether a start should be sounding then.
func (a Airing) Around(zone *time.Location, now time.Time) (next time.Time, on bool) {
	r, err := schedule.RecurrenceOf(a.Wire)
	if err != nil {
		return time.Time{}, false
	}
	length := max(a.Wire.SoundFor, a.Wire.BoardFor).Duration()
	if a.Wire.Class == protocol.ClassEmergency {
		length = min(a.Wire.Until.Time().Sub(a.First), time.Duration(a.Wire.Passes)*a.Wire.Every.Duration())
	}
	for t := range schedule.Expand(r, zone, now.Add(-length), time.Time{}) {
		if t.After(a.Last) {
			break
		}
		if t.After(now) {
			return t, on
		}
		on = true
	}
	return time.Time{}, on
}
