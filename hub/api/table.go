package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/loa-vn/loa/hub/account"
	"github.com/loa-vn/loa/protocol"
	"golang.org/x/text/unicode/norm"
)

// DeviceTable is the list of devices in columns, for pages that show thousands:
// row i of each column is of device i. Words that repeat are numbered. What is
// wrong comes first, then by name: a telephone has better to do than to sort.
type DeviceTable struct {
	IDs    []protocol.DeviceID `json:"ids"`
	Names  []string            `json:"names"`
	Units  []protocol.UnitID   `json:"units" doc:"the units that the rows name by number"`
	Unit   []int               `json:"unit"`
	State  []int               `json:"state" doc:"0 waiting, 1 never-heard, 2 offline, 3 online, 4 revoked"`
	Heard  []int64             `json:"heard" doc:"seconds since 1970, 0 for never"`
	Flags  []int               `json:"flags" doc:"1 has sound, 2 has a board, 4 muted, 8 clock unsure, 16 something is faulty, 32 playing, 64 content missing"`
	Online int                 `json:"online"`
	All    int                 `json:"all" doc:"without the revoked"`
}

// The flags of a row.
const (
	flagSound = 1 << iota
	flagBoard
	flagMuted
	flagClock
	flagFault
	flagPlaying
	flagMissing
)

// places are the orders of the states' numbers in the table: offline, never heard
// of, waiting, online, revoked.
var places = [...]int{2, 1, 0, 3, 4}

// inOrder sorts devices as the table has them, names without regard to marks.
func inOrder(list []DeviceBody) {
	keys := make(map[protocol.DeviceID]string, len(list))
	for _, b := range list {
		keys[b.ID] = folded(b.Name)
	}
	slices.SortFunc(list, func(a, b DeviceBody) int {
		return cmp.Or(
			cmp.Compare(places[stateNumber(a.State)], places[stateNumber(b.State)]),
			strings.Compare(keys[a.ID], keys[b.ID]), strings.Compare(string(a.ID), string(b.ID)),
		)
	})
}

// folded is a name without marks, in small letters.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'đ' || r == 'Đ':
			return 'd'
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(name))
}

func stateNumber(state string) int {
	return slices.Index([]string{"waiting", "never-heard", "offline", "online", "revoked"}, state)
}

func flagsOf(b DeviceBody) int {
	flags := 0
	for flag, set := range map[int]bool{
		flagSound: b.Sound, flagBoard: b.Board != nil, flagMuted: b.Muted, flagClock: b.ClockSure != nil && !*b.ClockSure,
		flagFault: len(b.Faults) > 0, flagPlaying: b.Playing != "", flagMissing: b.Missing > 0,
	} {
		if set {
			flags |= flag
		}
	}
	return flags
}

// DevicesNow is how the devices of a person's units are, in numbers, with those
// that somebody should look at.
type DevicesNow struct {
	Online  int          `json:"online"`
	All     int          `json:"all"`
	Boards  int          `json:"boards"`
	Trouble int          `json:"trouble" doc:"how many should be looked at"`
	Worst   []DeviceBody `json:"worst" doc:"the first of them"`
	Sizes   []BoardBody  `json:"sizes" doc:"the different boards"`
}

// worst is how many devices are shown at first.
const worst = 6

type (
	tableOutput struct{ Body DeviceTable }
	nowOutput   struct{ Body DevicesNow }
)

func registerTable(api huma.API, s *Server) {
	tags := []string{"devices"}
	route(api, s, huma.Operation{
		OperationID: "device-table", Method: http.MethodGet, Path: "/device-table", Summary: "Devices in the caller's units, in columns", Tags: tags,
	}, func(ctx context.Context, a account.Actor, _ *nothing) (*tableOutput, error) {
		list, err := s.listDevices(ctx, a, &devicesInput{})
		if err != nil {
			return nil, err
		}
		inOrder(list.Body)
		n := len(list.Body)
		t := DeviceTable{
			IDs: make([]protocol.DeviceID, n), Names: make([]string, n), Units: []protocol.UnitID{}, Unit: make([]int, n),
			State: make([]int, n), Heard: make([]int64, n), Flags: make([]int, n),
		}
		number := map[protocol.UnitID]int{}
		for i, b := range list.Body {
			if _, ok := number[b.Unit]; !ok {
				number[b.Unit] = len(t.Units)
				t.Units = append(t.Units, b.Unit)
			}
			t.IDs[i], t.Names[i], t.Unit[i], t.State[i], t.Flags[i] = b.ID, b.Name, number[b.Unit], stateNumber(b.State), flagsOf(b)
			if b.LastHeard != nil {
				t.Heard[i] = b.LastHeard.Unix()
			}
			if b.State != "revoked" {
				t.All++
			}
			if b.State == "online" {
				t.Online++
			}
		}
		return &tableOutput{Body: t}, nil
	})
	route(api, s, huma.Operation{
		OperationID: "devices-now", Method: http.MethodGet, Path: "/devices-now", Summary: "How the caller's devices are, in numbers", Tags: tags,
	}, func(ctx context.Context, a account.Actor, _ *nothing) (*nowOutput, error) {
		list, err := s.listDevices(ctx, a, &devicesInput{})
		if err != nil {
			return nil, err
		}
		now := DevicesNow{Worst: []DeviceBody{}, Sizes: []BoardBody{}}
		for _, b := range list.Body {
			if b.State == "revoked" {
				continue
			}
			now.All++
			if b.State == "online" {
				now.Online++
			}
			if b.Board != nil {
				now.Boards++
				if !slices.Contains(now.Sizes, *b.Board) {
					now.Sizes = append(now.Sizes, *b.Board)
				}
			}
			if b.State != "online" || flagsOf(b)&(flagMuted|flagClock|flagFault) != 0 {
				if now.Trouble++; len(now.Worst) < worst {
					now.Worst = append(now.Worst, b)
				}
			}
		}
		return &nowOutput{Body: now}, nil
	})
}
