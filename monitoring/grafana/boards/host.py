"""Hosts: processor, memory, disks, network, units."""

from grafana_foundation_sdk.models import units

from monitoring.grafana.board import Board, Variable
from monitoring.grafana.panels import BYTES, COUNT, PER_SECOND, SECONDS, SHARE, THIRD, Query, figure, lines, rows

HERE = 'instance=~"$instance"'
RATE = "[$__rate_interval]"
REAL = f'{{{HERE}, device!="lo"}}'

NOW = [
    figure("Processor", "Share that is not idle, of the busiest host.", SHARE,
           f'max(1 - avg by (instance) (rate(node_cpu_seconds_total{{{HERE}, mode="idle"}}{RATE})))',
           [(0.8, "orange"), (0.95, "red")]),
    figure("Memory left", "Least share of memory that is available.", SHARE,
           f"min(node_memory_MemAvailable_bytes{{{HERE}}} / node_memory_MemTotal_bytes{{{HERE}}})",
           runbooks=["HostMemoryLow"]),
    figure("Disk left", "Least share that is free, of all filesystems.", SHARE,
           f"min(node_filesystem_avail_bytes{{{HERE}}} / node_filesystem_size_bytes{{{HERE}}})",
           runbooks=["DiskAlmostFull", "DiskFillsUp"]),
    figure("Units that failed", "Given up by systemd.", COUNT,
           f'sum(node_systemd_unit_state{{{HERE}, state="failed"}})', [(1, "red")], ["UnitFailed"]),
    figure("Clock", "Largest error that the clock may have.", SECONDS,
           f"max(node_timex_maxerror_seconds{{{HERE}}})", [(16, "red")], ["ClockNotSynchronised"]),
    figure("Out of memory", "Processes that the kernel ended for want of memory within a day.", COUNT,
           f"sum(increase(node_vmstat_oom_kill{{{HERE}}}[1d]))", [(1, "red")], ["HostMemoryLow"]),
]  # fmt: skip

WORK = [
    lines("Processor", "Cores in use, by what for.", COUNT,
          Query(f'sum by (mode) (rate(node_cpu_seconds_total{{{HERE}, mode!="idle"}}{RATE}))', "{{mode}}"),
          stacked=True, span=THIRD),
    lines("Load", "Processes that run or wait to.", COUNT, Query(f"node_load1{{{HERE}}}", "{{instance}} 1 min"),
          Query(f"node_load15{{{HERE}}}", "{{instance}} 15 min"), span=THIRD),
    lines("Pressure", "Share of time in which something had to wait for processor, disk or memory.", SHARE,
          Query(f"rate(node_pressure_cpu_waiting_seconds_total{{{HERE}}}{RATE})", "{{instance}} processor"),
          Query(f"rate(node_pressure_io_waiting_seconds_total{{{HERE}}}{RATE})", "{{instance}} disk"),
          Query(f"rate(node_pressure_memory_waiting_seconds_total{{{HERE}}}{RATE})", "{{instance}} memory"),
          span=THIRD),
    lines("Memory", "What is used and cannot be given back, and what there is.", BYTES,
          Query(f"node_memory_MemTotal_bytes{{{HERE}}} - node_memory_MemAvailable_bytes{{{HERE}}}",
                "{{instance}} used"), Query(f"node_memory_MemTotal_bytes{{{HERE}}}", "{{instance}} all"),
          runbooks=["HostMemoryLow"], span=THIRD),
    lines("Swap", "Pages a second moved out and in.", PER_SECOND,
          Query(f"rate(node_vmstat_pswpout{{{HERE}}}{RATE})", "{{instance}} out"),
          Query(f"rate(node_vmstat_pswpin{{{HERE}}}{RATE})", "{{instance}} in"), span=THIRD),
    lines("Open files", "Share of what the kernel allows.", SHARE,
          Query(f"node_filefd_allocated{{{HERE}}} / node_filefd_maximum{{{HERE}}}", "{{instance}}"), span=THIRD),
]  # fmt: skip

DISKS = [
    lines("Room", "Share of each filesystem that is free.", SHARE,
          Query(f"node_filesystem_avail_bytes{{{HERE}}} / node_filesystem_size_bytes{{{HERE}}}",
                "{{instance}} {{mountpoint}}"), runbooks=["DiskAlmostFull", "DiskFillsUp"], span=THIRD),
    lines("Inodes", "Share of each filesystem's inodes that is free.", SHARE,
          Query(f"node_filesystem_files_free{{{HERE}}} / (node_filesystem_files{{{HERE}}} > 0)",
                "{{instance}} {{mountpoint}}"), runbooks=["InodesRunOut"], span=THIRD),
    lines("Throughput", "Bytes a second, written and read.", units.BytesPerSecondIEC,
          Query(f"sum by (instance) (rate(node_disk_written_bytes_total{{{HERE}}}{RATE}))", "{{instance}} written"),
          Query(f"sum by (instance) (rate(node_disk_read_bytes_total{{{HERE}}}{RATE}))", "{{instance}} read"),
          span=THIRD),
]  # fmt: skip

NETWORK = [
    lines("Traffic", "Bytes a second, loopback left out.", units.BytesPerSecondIEC,
          Query(f"sum by (instance) (rate(node_network_receive_bytes_total{REAL}{RATE}))", "{{instance}} in"),
          Query(f"sum by (instance) (rate(node_network_transmit_bytes_total{REAL}{RATE}))", "{{instance}} out"),
          span=THIRD),
    lines("TCP", "Connections, and those that wait to be forgotten.", COUNT,
          Query(f"node_netstat_Tcp_CurrEstab{{{HERE}}}", "{{instance}} established"),
          Query(f"node_sockstat_TCP_tw{{{HERE}}}", "{{instance}} time-wait"), span=THIRD),
    lines("Lost", "Segments sent again, and connections that no queue had room for, a second.", PER_SECOND,
          Query(f"rate(node_netstat_Tcp_RetransSegs{{{HERE}}}{RATE})", "{{instance}} sent again"),
          Query(f"rate(node_netstat_TcpExt_ListenOverflows{{{HERE}}}{RATE})", "{{instance}} overflows"), span=THIRD),
]  # fmt: skip

UNITS = [
    lines("Restarts", "Restarts of units within 15 minutes.", COUNT,
          Query(f"increase(node_systemd_service_restart_total{{{HERE}}}[15m]) > 0", "{{instance}} {{name}}"),
          limits=[(4, "red")], runbooks=["UnitRestartLoop"]),
    rows("Units that are not active", "By state; a unit that was never started is inactive.",
         f'node_systemd_unit_state{{{HERE}, state!="active"}} == 1', ["Value", "job", "fleet", "host", "type"],
         runbooks=["UnitFailed"]),
]  # fmt: skip

BOARD = Board(
    "a2a-host",
    "Host",
    "What the hosts have left: processor, memory, disks, network, and their units.",
    {"Is it well?": NOW, "Processor and memory": WORK, "Disks": DISKS, "Network": NETWORK, "Units": UNITS},
    (Variable("instance", "node_uname_info", "instance"),),
)
