# Workers of the queue "jobs" on Nomad, with its docker driver. Docker's default filter blocks namespaces, so wasbox isolates
# each job with Landlock (Linux 6.12 or newer on the clients). Put the address of the queue's server in a Nomad variable:
#
#   nomad var put nomad/jobs/wasbox-worker connection=redis://:PASSWORD@queue.example.com:6379
#   nomad job run wasbox-worker.nomad.hcl
job "wasbox-worker" {
  type = "service"

  group "workers" {
    count = 2

    task "worker" {
      driver = "docker"
      user   = "1000:1000"

      # Longer than --drain: running jobs end, or go back to the queue.
      kill_signal  = "SIGTERM"
      kill_timeout = "45s"

      config {
        image = "registry.example.com/wasbox-worker:0.1.0"
        args = [
          "worker",
          "--queue=jobs",
          "--concurrency=4",
          "--timeout=60s",
          "--memory=256M",
          "--disk=256M",
          "--drain=30s",
        ]
        cap_drop        = ["all"]
        security_opt    = ["no-new-privileges"]
        readonly_rootfs = true
        pids_limit      = 512

        mount {
          type   = "tmpfs"
          target = "/tmp"
        }
      }

      env {
        HOME = "${NOMAD_TASK_DIR}"
      }

      template {
        data        = "WASBOX_CONNECTION={{ with nomadVar \"nomad/jobs/wasbox-worker\" }}{{ .connection }}{{ end }}\n"
        destination = "${NOMAD_SECRETS_DIR}/connection.env"
        env         = true
      }

      # Four jobs of 256M each, plus the worker itself.
      resources {
        cpu    = 1000
        memory = 1280
      }
    }
  }
}
