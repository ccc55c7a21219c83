package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // the zone does not depend on the machine
)

// The commune, which does not exist.
const (
	communeID   = "xa-binh-an"
	communeName = "Xã Bình An (mẫu)"
	communeCode = "99001"
	zoneName    = "Asia/Ho_Chi_Minh"
)

// village is a part of the commune.
type village struct {
	id, code, name string
	people         int
}

func villages() []village {
	return []village{
		{"thon-dong", "9900101", "Thôn Đông", 820},
		{"thon-doai", "9900102", "Thôn Đoài", 610},
		{"thon-trung", "9900103", "Thôn Trung", 470},
	}
}

// board is a board's size in pixels.
type board struct{ width, height, row int }

// device is a device that the demo sets up.
type device struct {
	id, name, unit, serves string
	// driver is of its sound, "" for a device without: oto plays into the paced
	// sound card, wav writes a file for each play.
	driver string
	board  *board // nil for none
}

// devices are three speakers, a board, and one with both.
func devices() []device {
	return []device{
		{id: "loa-dong", name: "Loa nhà văn hoá thôn Đông", unit: "thon-dong", serves: "thon-dong=1", driver: "oto"},
		{id: "loa-doai", name: "Loa đầu thôn Đoài", unit: "thon-doai", serves: "thon-doai=0.6", driver: "wav"},
		{id: "loa-trung", name: "Loa thôn Trung", unit: "thon-trung", serves: "thon-trung=1", driver: "wav"},
		{id: "bang-dong", name: "Bảng cổng chợ thôn Đông", unit: "thon-dong", serves: "thon-dong=0.3", board: &board{384, 192, 16}},
		{id: "loa-bang-doai", name: "Loa và bảng trạm y tế thôn Đoài", unit: "thon-doai", serves: "thon-doai=0.4", driver: "wav", board: &board{192, 32, 16}},
	}
}

// within says whether the device stands in one of the units.
func (d device) within(units []string) bool {
	for _, u := range units {
		if u == d.unit || u == communeID {
			return true
		}
	}
	return false
}

// person is somebody who uses the hub.
type person struct{ id, name, role, password string }

// admin is the administrator, who also holds the registrar's key.
func admin() person {
	return person{"quantri", "Quản trị (mẫu)", "administrator", "quan-tri-xa-binh-an"}
}

func people() []person {
	return []person{
		{"soan", "Nguyễn Thị Soạn (mẫu)", "editor", "soan-ban-tin-moi-ngay"},
		{"duyet1", "Trần Văn Duyệt (mẫu)", "approver", "duyet-truoc-khi-phat-1"},
		{"duyet2", "Lê Thị Duyệt (mẫu)", "approver", "duyet-truoc-khi-phat-2"},
	}
}

// unitsCSV is the villages as the hub imports them.
func unitsCSV() string {
	var b strings.Builder
	b.WriteString("id,code,name,kind,parent,valid_from,valid_until,people,source,counted\n")
	for _, v := range villages() {
		fmt.Fprintf(&b, "%s,%s,%s,village,%s,2025-07-01,,%d,UBND xã (mẫu),2026-06-30\n", v.id, v.code, v.name, communeID, v.people)
	}
	return b.String()
}

// quietHours begin ten hours from now and last two, so that no run meets them.
func quietHours(now time.Time) string {
	from := now.Add(10 * time.Hour)
	return from.Format("15:04") + "-" + from.Add(2*time.Hour).Format("15:04")
}

// ports are those that the hub listens on, on the loopback.
type ports struct{ console, enrol, mqtt int }

// hubYAML is the hub's settings.
func hubYAML(data string, p ports) string {
	return fmt.Sprintf(`data: %q
zone: %s
hosts: [localhost, 127.0.0.1]
console: {listen: "127.0.0.1:%d", url: "http://127.0.0.1:%d"}
enrol: {listen: "127.0.0.1:%d"}
mqtt: {listen: "127.0.0.1:%d"}
drop: {people: {%s: soan}}
`, data, zoneName, p.console, p.console, p.enrol, p.mqtt, communeID)
}

// agentYAML is a device's settings; broker is the port under which it finds the
// broker.
func (d device) agentYAML(dir string, broker int) string {
	return fmt.Sprintf("data: %q\nboard: ./%s.profile.yaml\nmqtt: ssl://localhost:%d\n", filepath.Join(dir, d.id), d.id, broker)
}

// profileYAML is what the device is made of.
func (d device) profileYAML() string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\nabout: %q\n", d.id, d.name)
	switch d.driver {
	case "oto":
		b.WriteString("sound: {driver: oto, card: default, rate: 48000}\n")
	case "wav":
		b.WriteString("sound: {driver: wav, card: out/sound, rate: 48000}\n")
	}
	b.WriteString("volume: {ceiling: 100}\n")
	if d.board != nil {
		fmt.Fprintf(&b, "board: {width: %d, height: %d, row: %d, output: \"png:out/board\"}\n", d.board.width, d.board.height, d.board.row)
	}
	return b.String()
}

// write writes files that only their owner reads.
func write(dir string, files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
