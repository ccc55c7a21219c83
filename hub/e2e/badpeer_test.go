package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/fleet"
	"github.com/loa-vn/loa/agent/identity"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/e2e/figure"
	"github.com/loa-vn/loa/protocol"
)

// rogue is a device with a good certificate and bad manners.
type rogue struct {
	member
	addr   string
	victim protocol.DeviceID
}

// manners are the ways in which a rogue misbehaves, until ctx ends or it is thrown
// out; then it comes again.
func manners() map[string]func(rogue, context.Context) error {
	return map[string]func(rogue, context.Context) error{
		"stops reading": rogue.stall,
		"floods":        rogue.flood,
		"stolen id":     rogue.steal,
		"garbage":       rogue.garbage,
		"oversized":     rogue.oversize,
		"nested":        rogue.nest,
	}
}

// pestEvery is how soon a rogue that was thrown out is there again: twelve of them make
// some fifty handshakes a second.
const pestEvery = 250 * time.Millisecond

// pest misbehaves again and again until ctx ends.
func (r rogue) pest(ctx context.Context, how func(rogue, context.Context) error) {
	for ctx.Err() == nil {
		_ = how(r, ctx) // it is meant to be thrown out
		select {
		case <-ctx.Done():
		case <-time.After(pestEvery):
		}
	}
}

// pest has a member misbehave in the i-th way for a while, and returns how often it came.
func (s crowdSpec) pest(m member, i int) (came int) {
	ctx, end := context.WithTimeout(context.Background(), s.For)
	defer end()
	all := manners()
	names := slices.Sorted(maps.Keys(all))
	rogue{member: m, addr: s.Addr, victim: s.Victim}.pest(ctx, func(r rogue, ctx context.Context) error {
		came++
		if s.Polite {
			return s.shake(m)
		}
		return all[names[i%len(names)]](r, ctx)
	})
	return came
}

// awake keeps all processors from sleeping for a while: one that has to wake up first
// answers later, and with pests there is always one awake.
func (s crowdSpec) awake() {
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for end := time.Now().Add(s.For); time.Now().Before(end); {
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
}

// session is a good log-in, closed when ctx ends.
func (r rogue) session(ctx context.Context, do func(*mqttConn) error) error {
	c, err := dialMQTT(r.addr, r.member, false, nil)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer c.Close()
	return do(c)
}

func (r rogue) stall(ctx context.Context) error {
	return r.session(ctx, func(c *mqttConn) error {
		if err := c.subscribe(protocol.UnitTopic(commune, protocol.VerbAlert), 1); err != nil {
			return err
		}
		if err := c.subscribe(protocol.DeviceTopic(r.ID, protocol.VerbTime), 1); err != nil {
			return err
		}
		// Answers pile up that it never reads.
		for ctx.Err() == nil {
			if err := r.ask(c); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
		return nil
	})
}

// ask sends a good question.
func (m member) ask(c *mqttConn) error {
	nonce := make([]byte, protocol.NonceSize)
	_, _ = rand.Read(nonce) // never fails
	b, err := protocol.Marshal(protocol.Ask{Nonce: nonce})
	if err != nil {
		return err
	}
	return c.publish(protocol.DeviceTopic(m.ID, protocol.VerbAsk), b, 0)
}

func (r rogue) flood(ctx context.Context) error {
	return r.session(ctx, func(c *mqttConn) error {
		for {
			if err := r.ask(c); err != nil {
				return err
			}
		}
	})
}

// steal says to be somebody else, with its own certificate.
func (r rogue) steal(ctx context.Context) error {
	thief := r
	thief.ID = r.victim
	return thief.session(ctx, func(*mqttConn) error { return nil })
}

func (r rogue) garbage(ctx context.Context) error {
	c, err := tls.Dial("tcp", r.addr, r.tls(false))
	if err != nil {
		return err
	}
	defer c.Close()
	b := make([]byte, 4096)
	_, _ = rand.Read(b) // never fails
	if _, err := c.Write(b); err != nil {
		return err
	}
	_, err = c.Read(b)
	return err
}

func (r rogue) oversize(ctx context.Context) error {
	return r.session(ctx, func(c *mqttConn) error {
		if err := c.publish(protocol.DeviceTopic(r.ID, protocol.VerbReceipt), make([]byte, 1<<20), 1); err != nil {
			return err
		}
		_, _, err := c.packet()
		return err
	})
}

// nest sends CBOR that is nested as deep as it fits, and that promises more than it
// has, on each topic that the device may write.
func (r rogue) nest(ctx context.Context) error {
	const most = protocol.MaxControl - 128
	hostile := [][]byte{
		bytes.Repeat([]byte{0x81}, most),                   // arrays of arrays
		bytes.Repeat([]byte{0xa1, 0x01}, most/2),           // maps of maps
		bytes.Repeat([]byte{0xc1}, most),                   // tags of tags
		bytes.Repeat([]byte{0x9f}, most),                   // arrays without an end
		binary.BigEndian.AppendUint64([]byte{0x9b}, 1<<60), // an array of 2^60
		binary.BigEndian.AppendUint64([]byte{0x5b}, 1<<40), // a string of a terabyte
		binary.BigEndian.AppendUint64([]byte{0xbb}, 1<<32), // a map of 2^32
	}
	return r.session(ctx, func(c *mqttConn) error {
		for _, v := range []protocol.Verb{protocol.VerbState, protocol.VerbReceipt, protocol.VerbSeen, protocol.VerbWant, protocol.VerbAsk} {
			for _, b := range hostile {
				if err := c.publish(protocol.DeviceTopic(r.ID, v), b, 0); err != nil {
					return err
				}
			}
		}
		<-ctx.Done()
		return nil
	})
}

// enrolledMember is a device of a fleet for those who speak the protocol themselves.
func enrolledMember(t *testing.T, d fleet.Device) member {
	t.Helper()
	id, err := identity.Load(filepath.Join(d.Data, "identity"))
	must(t, err)
	return member{ID: d.ID, Key: id.Key, Cert: id.Certificate.Certificate[0], Bulk: id.Bulk.Certificate[0]}
}

// Six devices with bad manners, all of them enrolled: the others keep their
// connections, get their bulletin and say so.
func TestBadPeersDisturbNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	devices := w.enlist(5 + len(manners()))
	good, bad := devices[:5], devices[5:]
	c := w.crew(fleet.Config{Seed: seed(t), Devices: good, Jitter: 50 * time.Millisecond})
	c.back(30 * time.Second)
	numbers := map[protocol.DeviceID]uint64{}
	for _, d := range good {
		w.until(string(d.ID)+" was heard", func() bool {
			s, err := w.Registry.State(t.Context(), d.ID)
			numbers[d.ID] = s.Connection
			return err == nil && s.Online
		})
	}
	ctx, end := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, how := range manners() {
		r := rogue{member: enrolledMember(t, bad[0]), addr: w.MQTTAddr().String(), victim: good[0].ID}
		bad = bad[1:]
		wg.Go(func() { r.pest(ctx, how) })
	}
	b := w.ready(spokenText(1))
	w.air(b, bulletin.Wish{When: bulletin.Now, Volume: 100}, "duyet1")
	w.until("the good devices have played", func() bool {
		played := map[protocol.DeviceID]bool{}
		for _, l := range w.report(b).Lines {
			if l.Answer != nil && l.Answer.Outcome == protocol.OutcomePlayed {
				played[l.Device] = true
			}
		}
		return len(played) == len(good)
	})
	end()
	wg.Wait()
	for _, d := range good {
		s, err := w.Registry.State(t.Context(), d.ID)
		must(t, err)
		if !s.Online || s.Connection != numbers[d.ID] {
			t.Errorf("%s: online %v on connection %d, was %d", d.ID, s.Online, s.Connection, numbers[d.ID])
		}
	}
	c.once()
}

// asker is a member that asks for the time, on one connection for all its questions.
type asker struct {
	member
	*mqttConn
}

func newAsker(m member, addr string) (asker, error) {
	c, err := dialMQTT(addr, m, false, nil)
	if err != nil {
		return asker{}, err
	}
	return asker{m, c}, c.subscribe(protocol.DeviceTopic(m.ID, protocol.VerbTime), 1)
}

// askEvery is how often each asks; they take turns.
const askEvery = 100 * time.Millisecond

// roundTrips has each ask again and again until ctx ends, and returns how long the
// answers took, in ms.
func roundTrips(ctx context.Context, askers []asker) ([]float64, error) {
	var mu sync.Mutex
	var all []float64
	var first error
	var wg sync.WaitGroup
	for i, a := range askers {
		wg.Go(func() {
			<-time.After(askEvery * time.Duration(i) / time.Duration(len(askers)))
			took, err := a.trips(ctx)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	return all, first
}

func (a asker) trips(ctx context.Context) ([]float64, error) {
	var took []float64
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return took, nil
		case <-tick.C:
		}
		began := time.Now()
		if err := a.ask(a.mqttConn); err != nil {
			return took, fmt.Errorf("%s: %w", a.ID, err)
		}
		if _, _, err := a.next(); err != nil {
			return took, fmt.Errorf("%s: %w", a.ID, err)
		}
		took = append(took, float64(time.Since(began))/1e6)
	}
}

// BenchmarkGoalBadPeers: how long the others wait for an answer with a dozen bad
// peers of all kinds, beside how long with the handshakes alone that these make, at a
// bare crypto/tls server in the same process. Bad peers are a process that gets what is
// left of the machine: elsewhere they would have their own.
func BenchmarkGoalBadPeers(b *testing.B) {
	const good, each = 100, 2
	const thrownOut = 4 * each // who come again and again; the others stay
	const lasting = 4 * time.Second
	for b.Loop() {
		p := newProvince(b, good+each*len(manners()))
		bare := p.bareTLS().Addr().String()
		bad := newCrowd(b, "nice", "-n", "19")
		pests := crowdSpec{Do: "pest", Addr: p.MQTTAddr().String(), Members: p.members[good:], Victim: p.members[0].ID, For: lasting}
		var askers []asker
		for _, m := range p.members[:good] {
			a, err := newAsker(m, pests.Addr)
			check(b, err)
			defer a.Close()
			askers = append(askers, a)
		}
		var with, without []float64
		var polite int // how often the limit's handshakes came
		for range figure.Rounds() {
			for _, disturbed := range []bool{false, true} {
				beside := pests
				if !disturbed {
					beside.Addr, beside.Polite, beside.Members = bare, true, pests.Members[:thrownOut]
				}
				bad.begin(beside)
				ctx, end := context.WithTimeout(b.Context(), lasting)
				took, err := roundTrips(ctx, askers)
				end()
				check(b, err)
				came := bad.result().Came
				if p99 := figure.Quantile(took, 0.99); disturbed {
					with = append(with, p99)
				} else {
					without, polite = append(without, p99), came
				}
				if disturbed && came < polite {
					b.Errorf("bad peers came %d times in %s, the limit's handshakes %d times: it says too much", came, lasting, polite)
				}
			}
		}
		check(b, figure.Print(
			figure.Ratio("answer to a device with 12 bad peers: p99, beside their bare handshakes", "ms", with, without, 1.2),
			figure.Under("answer to a device with 12 bad peers: p99", "ms", with, 250),
		))
	}
}
