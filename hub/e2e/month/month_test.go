package month

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/programme"
	"github.com/loa-vn/loa/protocol"
)

// A month of a commune with thirty devices: programmes, notices, edits, withdrawals,
// stops and emergencies at the hub; outages, reboots, cut lines, mutes, failing cards
// and missing content at the devices. Every occurrence that the hub expects has exactly
// one outcome, and where nothing failed what happened is what the hub had forecast, to
// the millisecond.
func TestAMonthOfACommune(t *testing.T) {
	var all lived
	all.live(t, 1, 30, 30)
	all.enough(t)
}

// TestSoakMonths lives other months, each from a seed of its own.
func TestSoakMonths(t *testing.T) {
	if os.Getenv("LOA_SOAK") == "" {
		t.Skip("LOA_SOAK=1 lives many months")
	}
	base, many := uint64(time.Now().UnixNano()), uint64(20)
	if seed := os.Getenv("LOA_SEED"); seed != "" { // of a failure, to look at it again
		n, err := strconv.ParseUint(seed, 10, 64)
		must(t, err)
		base, many = n, 1
	}
	var all lived
	for i := range many {
		t.Run(fmt.Sprint(base+i), func(t *testing.T) { all.live(t, base+i, 30, 31) })
	}
	if many > 1 && !t.Failed() {
		all.enough(t)
	}
}

// lived is what happened in months: a test in which little does shows little.
type lived struct {
	days     int            // of devices
	compared int            // of these, with their forecast
	owed     int            // occurrences accounted for
	edits    int            // airings that took another one's place
	ends     map[string]int // what became of how many occurrences
}

func (l lived) enough(t *testing.T) {
	t.Helper()
	t.Logf("%+v", l)
	if l.compared < l.days/8 || l.owed < l.days || l.edits < l.days/300 || len(l.ends) < 8 {
		t.Errorf("too little happened: %+v", l)
	}
}

// commune is one that a seed decides about.
type commune struct {
	*office
	rng    *rand.Rand
	ahead  []act // what is to happen
	made   []programme.RundownID
	serial int
	clocks []time.Duration // times of day at which programmes begin
	ends   map[string]int  // what became of how many
}

// act is something that happens on a day.
type act struct {
	at time.Time
	do func()
}

// live lives a month of a commune, and adds what happened in it.
func (l *lived) live(t *testing.T, seed uint64, devices, days int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC) // 09:00 there
		time.Sleep(time.Until(began))
		c := &commune{office: newOffice(t, devices), rng: rand.New(rand.NewPCG(seed, 39))}
		c.stock()
		must(t, c.Publish(t.Context(), []protocol.UnitID{"tinh", "xa", "dong", "doai"})) // their quiet hours
		for _, h := range c.horns {
			h.boot()
		}
		for range 3 {
			c.programme()
		}
		compared := 0
		for day := range days {
			midnight := time.Date(2026, 12, 1+day, 0, 0, 0, 0, c.zone)
			compared += c.day(midnight)
			if t.Failed() {
				t.Fatalf("seed %d, day %s", seed, protocol.DateOf(midnight))
			}
		}
		c.through(time.Now().AddDate(0, 0, 3)) // everybody is mended
		c.until(time.Date(2026, 12, 1+days+3, 4, 0, 0, 0, c.zone))
		owed := c.account()
		for _, h := range c.horns {
			h.decent()
			h.shut()
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		edits := c.edits()
		t.Logf("seed %d: %d days of devices compared with their forecast, %d occurrences accounted for, %d programmes, %d airings replaced: %v", seed, compared, owed, len(c.made), edits, c.ends)
		l.days, l.compared, l.owed, l.edits = l.days+devices*days, l.compared+compared, l.owed+owed, l.edits+edits
		if l.ends == nil {
			l.ends = map[string]int{}
		}
		for what, n := range c.ends {
			l.ends[what] += n
		}
	})
}

// stock writes and approves what programmes are made of.
func (c *commune) stock() {
	wish := bulletin.Wish{Units: []protocol.UnitID{"tinh"}, When: bulletin.InProgrammes, LastDay: "2027-03-31", PlaysPerDay: 3}
	for i := range 12 {
		class := protocol.ClassNormal
		if i%4 == 0 {
			class = protocol.ClassPriority
		}
		c.bulletin(protocol.BulletinID(fmt.Sprintf("tin-%d", i)), "tinh", class, 20+c.rng.IntN(200), wish)
	}
	for _, id := range []protocol.BulletinID{"mo", "dong"} {
		c.bulletin(id, "tinh", protocol.ClassNormal, 3, wish)
	}
}

// until lets everybody live up to an instant.
func (c *commune) until(at time.Time) {
	time.Sleep(time.Until(at))
	synctest.Wait()
}

// overnight is how long after midnight what starts on a day may still wait: the latest
// start of a notice, and an emergency's validity.
const overnight = 20 * time.Minute

// day lives through one, until all that starts on it is over, and compares untroubled
// devices with the forecast.
func (c *commune) day(midnight time.Time) (compared int) {
	c.until(midnight)
	date := protocol.DateOf(midnight)
	expected := map[protocol.UnitID][]string{}
	for _, u := range []protocol.UnitID{"xa", "dong", "doai"} {
		f, err := c.desk.Forecast(c.t.Context(), operator(), u, nil, date)
		must(c.t, err)
		expected[u] = []string{}
		for _, l := range f.Lines {
			expected[u] = append(expected[u], c.line(l.Airing, l.Start, l.Outcome, l.Reason, l.Begins, l.Ends))
		}
		slices.Sort(expected[u])
	}
	c.misfortunes(midnight)
	if c.rng.IntN(2) == 0 {
		for range 1 + c.rng.IntN(3) {
			c.ahead = append(c.ahead, act{midnight.Add(overnight + time.Duration(c.rng.IntN(86_390_000))*time.Millisecond), c.editor})
		}
	}
	over := midnight.AddDate(0, 0, 1).Add(overnight)
	c.through(over)
	c.until(over)
	must(c.t, c.desk.Settle(c.t.Context()))
	next := protocol.DateOf(over)
	for _, h := range c.horns {
		if h.note(); h.troubled[date] || c.touched[date] || h.troubled[next] || c.touched[next] {
			continue
		}
		compared++
		got := []string{}
		h.mu.Lock()
		for _, r := range h.receipts {
			if protocol.DateOf(r.Start.Time().In(c.zone)) != date {
				continue
			}
			var begins, ends time.Time
			if n := len(r.Plays); n > 0 {
				begins, ends = r.Plays[0].From.Time(), r.Plays[n-1].To.Time()
			}
			got = append(got, c.line(r.Airing, r.Start.Time(), r.Outcome, r.Reason, begins, ends))
		}
		h.mu.Unlock()
		slices.Sort(got)
		if d := cmp.Diff(expected[h.path[len(h.path)-1]], got); d != "" {
			c.t.Errorf("%s on %s (-forecast +happened):\n%s", h.id, date, d)
		}
	}
	return compared
}

// through does what was to happen up to an instant.
func (c *commune) through(last time.Time) {
	slices.SortStableFunc(c.ahead, func(a, b act) int { return a.at.Compare(b.at) })
	for len(c.ahead) > 0 && c.ahead[0].at.Before(last) {
		a := c.ahead[0]
		c.ahead = c.ahead[1:]
		c.until(a.at)
		a.do()
	}
}

func (c *commune) line(id protocol.AiringID, start time.Time, o protocol.Outcome, why protocol.Reason, begins, ends time.Time) string {
	clock := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.In(c.zone).Format("15:04:05.000")
	}
	return fmt.Sprintf("%s %s %s %s %s-%s", id, clock(start), o, why, clock(begins), clock(ends))
}

// edits is how many airings took another one's place.
func (c *commune) edits() (n int) {
	for _, p := range c.plans {
		for _, a := range p.Airings {
			if a.Replaces != "" {
				n++
			}
		}
	}
	return n
}

// misfortunes plans what goes wrong with devices from a day on.
func (c *commune) misfortunes(midnight time.Time) {
	for _, h := range c.horns {
		if c.rng.IntN(4) != 0 || h.unlucky {
			continue
		}
		h.unlucky = true
		begin, end := c.misfortune(h)
		at := midnight.Add(4*time.Hour + time.Duration(c.rng.IntN(15*3600_000))*time.Millisecond)
		if c.rng.IntN(2) == 0 && len(c.clocks) > 0 { // while something sounds
			at = midnight.Add(c.clocks[c.rng.IntN(len(c.clocks))] + time.Duration(c.rng.IntN(300_000))*time.Millisecond)
		}
		last := time.Duration(1+c.rng.IntN(3*3600_000)) * time.Millisecond
		if c.rng.IntN(5) == 0 {
			last += 30 * time.Hour // over days
		}
		c.ahead = append(c.ahead, act{at, func() { h.trouble = time.Now(); begin() }},
			act{at.Add(last), func() { end(); h.note(); h.trouble, h.unlucky = time.Time{}, false }})
	}
}

// misfortune is one that a device meets, and its end.
func (c *commune) misfortune(h *horn) (begin, end func()) {
	switch c.rng.IntN(7) {
	case 0: // power cut
		return h.cut, h.boot
	case 1: // shut down and started again
		return h.shut, h.boot
	case 2: // the line is cut
		return func() { h.online.Store(false) }, func() { h.online.Store(true); h.receive(); h.drain.Connected() }
	case 3: // a technician
		return func() { h.tell(inbox.Muted{Muted: true}) }, func() { h.tell(inbox.Muted{}) }
	case 4: // nobody knows the time
		return func() { h.tell(inbox.ClockSure{}) }, func() { h.tell(inbox.ClockSure{Sure: true}) }
	case 5: // the card fails
		return func() { h.out.fail() }, func() {}
	}
	var lost protocol.AiringID // content damaged, and fetched again
	return func() {
			var ids []protocol.AiringID
			for id := range h.known {
				ids = append(ids, id)
			}
			if slices.Sort(ids); len(ids) > 0 {
				lost = ids[c.rng.IntN(len(ids))]
				h.tell(inbox.Content{Airing: lost})
			}
		}, func() {
			if lost != "" {
				h.tell(inbox.Content{Airing: lost, There: true})
			}
		}
}
