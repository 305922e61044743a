"""Statuses of jobs, stages and pipelines as events arrive, by GitLab's own rules.

What an event makes (`mcci.simulation.pipelines.simulate`) becomes a pipeline; what runners and people do moves it on:

    instance = Instance(downstream=planned.downstream)
    pipeline = instance.create(planned.pipeline_spec(simulate(project, event)))
    settle(instance)
    actions.run(pipeline.jobs["build"])
    actions.drop(pipeline.jobs["build"], exit_code=1)
    settle(instance)
    pipeline.status  # Status.FAILED
"""
