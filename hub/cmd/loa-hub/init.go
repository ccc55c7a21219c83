package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/registry"
	"github.com/loa-vn/loa/protocol"
)

type initCmd struct {
	RootOut  string            `help:"Folder for the root key, outside of the data folder; to be taken away." required:"" type:"path" env:"LOA_INIT_ROOT_OUT"`
	Data     string            `help:"Data folder; default as in the settings." type:"path" env:"LOA_DATA"`
	Hosts    []string          `name:"host" help:"Name or address under which devices reach the hub; may be repeated." env:"LOA_HOSTS"`
	UnitName string            `help:"Name of the commune." env:"LOA_INIT_UNIT_NAME"`
	UnitCode string            `help:"Code of the commune, five digits." env:"LOA_INIT_UNIT_CODE"`
	UnitID   protocol.UnitID   `help:"Id of the unit; made up if left out." env:"LOA_INIT_UNIT_ID"`
	UnitKind registry.Kind     `help:"Kind of the unit." enum:"province,commune" default:"commune" env:"LOA_INIT_UNIT_KIND"`
	Admin    protocol.PersonID `help:"Id of the administrator, for logging in." env:"LOA_INIT_ADMIN"`
	Name     string            `help:"The administrator's name; default is the id." env:"LOA_INIT_ADMIN_NAME"`

	Roots     int `help:"How many root keys to make; each is to be held by another person." default:"1" env:"LOA_INIT_ROOTS"`
	Threshold int `help:"How many of them must sign." default:"1" env:"LOA_INIT_THRESHOLD"`

	PasswordFile          string `help:"File with the administrator's password in its first line; - is standard input." env:"LOA_INIT_PASSWORD_FILE"`
	RegistrarPasswordFile string `help:"The same for the registrar's key; default is the administrator's." env:"LOA_INIT_REGISTRAR_PASSWORD_FILE"`
	RootPasswordFile      string `help:"The same for the root key." env:"LOA_INIT_ROOT_PASSWORD_FILE"`
}

// Run makes a new hub. It asks at most three questions.
func (c *initCmd) Run(s *session) error {
	cfg, write, err := c.settings(s)
	if err != nil {
		return err
	}
	// Whoever runs it twice hears so before answering anything.
	if _, err := os.Lstat(cfg.Database()); err == nil {
		return fmt.Errorf("%w: %s holds a hub already; nothing was changed: use another --data, or move the folder away", errRefused, cfg.Data)
	}
	o, err := c.answers(s)
	if err != nil {
		return err
	}
	done, err := hub.Init(s.ctx, cfg, o)
	if err != nil {
		return err
	}
	if write {
		if err := writeSettings(s.file, cfg); err != nil {
			s.printf("Không ghi được tệp cấu hình / settings not written: %v\n", err)
		} else {
			s.printf("Cấu hình / settings: %s\n", s.file)
		}
	}
	s.printf("Đơn vị / unit: %s (%s)\nQuản trị / administrator: %s\nDữ liệu / data: %s\n", o.Unit.Name, done.Unit, o.Admin, cfg.Data)
	for _, file := range done.RootFiles {
		s.printf("KHOÁ GỐC / ROOT KEY: %s\n", file)
	}
	s.printf("Hãy cất khoá gốc ra khỏi máy này ngay (USB, két), giữ mật khẩu của nó riêng; trung tâm không cần nó để chạy.\n")
	s.printf("Take the root key away from this machine now (USB stick, safe) and keep its password apart; the hub runs without it.\n")
	return nil
}

// settings reads the settings, or makes them up if their file is missing; then
// they are to be written.
func (c *initCmd) settings(s *session) (cfg config.Config, write bool, err error) {
	cfg, err = s.load()
	if _, statErr := os.Stat(s.file); errors.Is(statErr, fs.ErrNotExist) {
		write, cfg = true, config.Default()
		err = cfg.Environ(s.env)
	}
	if err != nil {
		return config.Config{}, false, err
	}
	if c.Data != "" {
		cfg.Data = c.Data
	}
	if len(c.Hosts) > 0 {
		cfg.Hosts = c.Hosts
	}
	return cfg, write, cfg.Validate()
}

// answers asks what the flags leave open.
func (c *initCmd) answers(s *session) (hub.InitOptions, error) {
	if c.UnitName == "" || c.UnitCode == "" {
		line, err := s.ask("Tên và mã xã, ví dụ: Xã Bình An 99001 / name and code of the commune", "--unit-name and --unit-code")
		if err != nil {
			return hub.InitOptions{}, err
		}
		at := strings.LastIndexByte(line, ' ')
		if at < 0 {
			return hub.InitOptions{}, fmt.Errorf("%w: name and code are separated by a space", errRefused)
		}
		c.UnitName, c.UnitCode = strings.TrimSpace(line[:at]), line[at+1:]
	}
	if c.Admin == "" {
		line, err := s.ask("Tên đăng nhập của quản trị viên (a-z, 0-9) / administrator's id", "--admin")
		if err != nil {
			return hub.InitOptions{}, err
		}
		c.Admin = protocol.PersonID(line)
	}
	if c.Name == "" {
		c.Name = string(c.Admin)
	}
	o := hub.InitOptions{
		RootOut: c.RootOut, Roots: c.Roots, Threshold: c.Threshold, Admin: c.Admin, AdminName: c.Name,
		Unit: registry.Unit{ID: c.UnitID, Code: c.UnitCode, Name: c.UnitName, Kind: c.UnitKind},
	}
	var err error
	if o.Password, err = s.secret(c.PasswordFile, "Mật khẩu / password", "--password-file"); err != nil {
		return hub.InitOptions{}, err
	}
	if c.RegistrarPasswordFile != "" {
		if o.RegistrarPassword, err = s.secret(c.RegistrarPasswordFile, "", "--registrar-password-file"); err != nil {
			return hub.InitOptions{}, err
		}
	}
	if c.RootPasswordFile != "" {
		if o.RootPassword, err = s.secret(c.RootPasswordFile, "", "--root-password-file"); err != nil {
			return hub.InitOptions{}, err
		}
	}
	return o, nil
}

// writeSettings writes the settings that differ between hubs.
func writeSettings(file string, c config.Config) error {
	b, err := yaml.Marshal(map[string]any{"data": c.Data, "zone": c.Zone, "hosts": c.Hosts})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append([]byte("# Settings of loa-hub; deploy/hub.yaml lists every key.\n"), b...), 0o644)
}
