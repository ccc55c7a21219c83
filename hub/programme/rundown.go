package programme

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/protocol"
)

// RundownID names a programme through all its revisions.
type RundownID string

// ItemKind is what an item is in its programme.
type ItemKind string

// The kinds of items. All are approved bulletins: chimes and silences are made
// by the hub and approved once.
const (
	Opening ItemKind = "opening"  // the chime at the slot's start
	Piece   ItemKind = "bulletin" // a bulletin
	Relay   ItemKind = "relay"    // a live stream
	Silence ItemKind = "silence"
	Closing ItemKind = "closing" // the chime at the end
)

// Item is one place in a programme's order.
type Item struct {
	Kind     ItemKind            `json:"kind"`
	Bulletin protocol.BulletinID `json:"bulletin"`
	// StandIn sounds only if the relay before it fails early enough.
	StandIn  bool   `json:"stand_in,omitempty"`
	AfterCut string `json:"after_cut,omitempty"` // restart, resume, drop; "" means restart, of a relay resume
}

// Rundown is a programme: an ordered list of items for a slot. It stands in the
// plans of its units, or of those communes of its group that have accepted.
type Rundown struct {
	ID       RundownID
	Revision int             // from 1
	Unit     protocol.UnitID // whose
	Name     string
	Units    []protocol.UnitID
	Group    GroupID   // "" for none
	Deadline time.Time // for the communes' answers; zero without a group
	Slot     Slot
	Items    []Item
	Volume   int // per cent; 0 means the default
	By       protocol.PersonID
	Created  time.Time
	Changed  time.Time
	// Effective is when this revision takes force: what its predecessor had begun
	// was to finish first.
	Effective time.Time
	Withdrawn time.Time // zero if not
}

// ChimeRoom is how long the beginning of a slot is left free for an opening
// chime by a programme that has none itself, so that the chime of whoever owns
// the slot is the first that sounds, also before a relay of a unit above.
const ChimeRoom = 3 * time.Second

// maxItems bounds a programme.
const maxItems = 60

// part is an item with what is known of its bulletin.
type part struct {
	Item
	title  string
	class  protocol.Class
	length time.Duration
}

// partOf reads an item's bulletin. A relay is as long as was approved.
func partOf(it Item, b bulletin.Bulletin) part {
	p := part{Item: it, title: b.Title, class: b.Class}
	switch {
	case b.Relay != nil:
		p.length = b.Relay.Length.Duration()
	case b.Rendition != nil:
		p.length = b.Rendition.Length()
	}
	return p
}

// Place is where an item stands in its slot, counted from the slot's start.
type Place struct {
	Item     int           // in the programme's order
	After    time.Duration // its scheduled start
	Planned  time.Duration // when it begins if nothing fails
	Length   time.Duration
	Lateness time.Duration
	// Over is by how much it does not fit, zero if it does.
	Over time.Duration
}

// lay places a programme's items so that rule 5 plays them in order with plain
// airings. The opening chime starts with the slot and is never late: it is
// either first or not heard. All others start when it is over and wait in one
// line, so that one which is missing is passed over; each may begin as long as it
// still ends before the closing chime. That starts at the planned end, behind
// the line. A stand-in waits behind its relay until there is no room for it
// within the relay's own time: a whole relay leaves it none.
func lay(length time.Duration, parts []part) []Place {
	opening, closing := ChimeRoom, time.Duration(0)
	var line []int
	for i, p := range parts {
		switch {
		case p.Kind == Opening:
			opening = wholeSeconds(p.length)
		case p.Kind == Closing:
			closing = p.length
		case !p.StandIn:
			line = append(line, i)
		}
	}
	slices.SortStableFunc(line, func(a, b int) int { return cmp.Compare(rank(parts[a].class), rank(parts[b].class)) })
	places := make([]Place, len(parts))
	at, end := opening, length-closing
	for _, i := range line {
		places[i] = Place{Item: i, After: opening, Planned: at, Length: parts[i].length}
		at += parts[i].length
	}
	relay := 0
	for i, p := range parts {
		pl := &places[i]
		switch {
		case p.Kind == Opening:
			*pl = Place{Item: i, Length: p.length, Over: max(0, p.length-length)}
			continue
		case p.Kind == Closing:
			*pl = Place{Item: i, After: max(opening, at.Truncate(time.Second)), Planned: at, Length: p.length}
			pl.Lateness, pl.Over = max(0, length-pl.After-p.length), max(0, at+p.length-length)
			continue
		case p.StandIn:
			r := places[relay]
			*pl = Place{Item: i, After: opening, Planned: r.Planned, Length: p.length}
			last := r.Planned + r.Length - p.length
			pl.Lateness, pl.Over = max(0, last-opening), max(0, r.Planned-last)
			continue
		case p.Kind == Relay:
			relay = i
		}
		pl.Lateness, pl.Over = max(0, end-pl.After-pl.Length), max(0, pl.Planned+pl.Length-end)
	}
	return places
}

func wholeSeconds(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

// rank orders classes as rule 5 does.
func rank(c protocol.Class) int {
	if c == protocol.ClassPriority {
		return 0
	}
	return 1
}

// check refuses an order of items that cannot be kept.
func (r Rundown) check(parts []part) error {
	bad := func(i int, vi, en string) error {
		return problem.New(problem.ErrInvalid, "item", fmt.Sprintf("items[%d]", i),
			fmt.Sprintf("Mục %d: %s", i+1, vi), fmt.Sprintf("Item %d: %s", i+1, en))
	}
	switch {
	case r.Name == "" || utf8.RuneCountInString(r.Name) > 200:
		return problem.New(problem.ErrInvalid, "name", "name", "Hãy đặt tên chương trình, tối đa 200 ký tự.", "Name the programme, in at most 200 characters.")
	case len(r.Items) == 0 || len(r.Items) > maxItems:
		return problem.New(problem.ErrInvalid, "items", "items", "Chương trình phải có từ 1 đến 60 mục.", "A programme has 1 to 60 items.")
	case r.Volume < 0 || r.Volume > 100:
		return problem.New(problem.ErrInvalid, "volume", "volume", "Âm lượng phải từ 1 đến 100.", "The volume must be 1 to 100.")
	}
	if err := r.Slot.check(); err != nil {
		return err
	}
	for i, p := range parts {
		behind := i > 0 && (parts[i-1].Kind == Relay || parts[i-1].StandIn)
		switch {
		case !slices.Contains([]ItemKind{Opening, Piece, Relay, Silence, Closing}, p.Kind):
			return bad(i, "loại mục không đúng. Hãy chọn lại.", "its kind is unknown. Choose it again.")
		case p.class == protocol.ClassEmergency:
			return bad(i, "bản tin khẩn cấp không nằm trong chương trình. Hãy phát riêng.", "an emergency is not part of a programme. Air it by itself.")
		case p.length == 0:
			return bad(i, "bản tin này chưa có tiếng. Hãy chờ tạo xong tiếng hoặc chọn bản tin khác.", "the bulletin has no sound yet. Wait for it or choose another one.")
		case p.Kind == Opening && i != 0:
			return bad(i, "nhạc hiệu mở đầu phải là mục đầu tiên.", "the opening chime is the first item.")
		case p.Kind == Closing && (i != len(parts)-1 || p.class != protocol.ClassNormal):
			return bad(i, "nhạc hiệu kết thúc phải là mục cuối và là bản tin thông thường.", "the closing chime is the last item and of class normal.")
		case p.StandIn && (!behind || p.Kind == Opening || p.Kind == Closing || p.Kind == Relay):
			return bad(i, "mục dự phòng phải đứng ngay sau mục tiếp sóng.", "a stand-in stands directly behind a relay.")
		}
		if p.AfterCut != "" {
			if _, err := protocol.ParseName[protocol.AfterCut](p.AfterCut); err != nil {
				return bad(i, "cách xử lý sau khi bị ngắt không đúng. Hãy chọn lại.", "what to do after a cut is none of restart, resume, drop. Choose again.")
			}
		}
	}
	return r.fits(parts)
}

// fits names the first item that has no room in the slot, and by how much.
func (r Rundown) fits(parts []part) error {
	for _, p := range lay(r.Slot.Length(), parts) {
		if p.Over == 0 {
			continue
		}
		vi, en := overrun(p, parts[p.Item].title)
		return problem.New(problem.ErrInvalid, "does-not-fit", fmt.Sprintf("items[%d]", p.Item),
			vi+" Hãy kéo dài khung giờ, rút ngắn hoặc bỏ bớt mục.", en+" Lengthen the slot, or shorten or drop an item.")
	}
	return nil
}

func overrun(p Place, title string) (vi, en string) {
	over := wholeSeconds(p.Over)
	return fmt.Sprintf("Mục %d “%s” vượt khung giờ %d phút %d giây.", p.Item+1, title, int(over.Minutes()), int(over.Seconds())%60),
		fmt.Sprintf("Item %d “%s” exceeds the slot by %s.", p.Item+1, title, over)
}

// timing is when one item's airing starts, and how.
type timing struct {
	slot     Slot // spelled out
	lateness time.Duration
	order    int64
	afterCut protocol.AfterCut
	volume   int
	replaces protocol.AiringID
}

// timings returns the timing of each item.
func (r Rundown) timings(parts []part) []timing {
	spelled := r.Slot.spelled()
	out := make([]timing, len(parts))
	for i, p := range lay(r.Slot.Length(), parts) {
		t := timing{slot: spelled.after(p.After), lateness: p.Lateness, order: int64(i + 1), volume: r.Volume}
		if t.volume == 0 {
			t.volume = bulletin.DefaultVolume
		}
		if parts[i].Kind == Relay {
			t.afterCut = protocol.Resume
		}
		if cut, err := protocol.ParseName[protocol.AfterCut](parts[i].AfterCut); err == nil {
			t.afterCut = cut
		}
		out[i] = t
	}
	return out
}

// same says whether a standing airing is what a timing asks for.
func (t timing) same(a protocol.Airing) bool {
	return a.Start == t.slot.Start && a.Rule == t.slot.Rule && slices.Equal(a.ExDates, t.slot.ExDates) && slices.Equal(a.RDates, t.slot.RDates) &&
		a.Lateness == protocol.MillisOf(t.lateness) && a.Order == t.order && a.AfterCut == t.afterCut && a.Volume == uint64(t.volume)
}
